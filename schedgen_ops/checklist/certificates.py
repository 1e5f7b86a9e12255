"""When the certificates of the site's TLS ports end, as the host sees them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schedgen_ops.host_scripts import host_script
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.shell import Command
from schedgen_ops.text import plural

# One that is renewed by itself is so a month before its end.
_SOON = 14


@dataclass(frozen=True, slots=True)
class SiteCertificate:
    """The certificate that a port shows; `ends` is None where none could be read."""

    address: str
    ends: datetime | None


def ask(addresses: Sequence[str]) -> Command:
    """Return the command that reads the certificates of these ports, host:port each."""
    return host_script("verify/certificates", title="look at certificates", addresses=addresses)


def parse(stdout: str) -> Iterator[SiteCertificate]:
    """Read the answer of `ask`.

    Raises:
        ValueError: for anything else.
    """
    for line in stdout.splitlines():
        address, _, when = line.partition(" ")
        if when == "-":
            yield SiteCertificate(address, None)
        else:
            # C's names of months, whatever the locale here: openssl's own.
            month, *rest = when.removesuffix(" GMT").split()
            number = _MONTHS.index(month) + 1
            moment = datetime.strptime(f"{number} {' '.join(rest)}", "%m %d %H:%M:%S %Y")
            yield SiteCertificate(address, moment.replace(tzinfo=UTC))


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def judged(certificate: SiteCertificate, now: datetime) -> Problem | str:
    """Return until when a certificate holds, or what is wrong with it."""
    if certificate.ends is None:
        text = f"the certificate of {certificate.address} could not be read"
        return Problem(text, refuses=False, unknown=True)
    days = (certificate.ends - now).days
    if days < 0:
        return Problem(
            f"the certificate of {certificate.address} ended {certificate.ends:%Y-%m-%d}", refuses=False
        )
    words = f"{certificate.address}: {plural(days, 'day')} left"
    return Problem(f"the certificate of {words}", "Renew it.", refuses=False) if days < _SOON else words
