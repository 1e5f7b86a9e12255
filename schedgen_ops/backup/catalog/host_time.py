"""The time by a host's clock, which dates and names what is kept on hosts; no operator's machine does."""

from __future__ import annotations

from datetime import UTC, datetime

from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Command, sh


def ask() -> Command:
    """The seconds since 1970 on the host."""
    return sh("date", "-u", "+%s").named("look at the clock")


def parse(stdout: str) -> datetime:
    """Reads the answer of `ask`.

    Raises:
        ValueError: for anything else.
    """
    return datetime.fromtimestamp(int(stdout), UTC)


def now(remote: Remote) -> datetime:
    """The time on a host."""
    return parse(remote.run(ask(), deadline=60).stdout)


def together(fleet: Fleet) -> datetime | None:
    """One time for all of these hosts, so that what they share has one name: the latest of their clocks."""
    return max(fleet.each(now).values(), default=None)
