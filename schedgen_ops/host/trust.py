"""Whether a host is the one it says it is: its key against known_hosts, and nothing is trusted by itself."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schedgen_ops.errors import HostKeyChanged, UnknownHostKey
from schedgen_ops.host import certificate
from schedgen_ops.host.known_hosts import REVOKED, Entry, Known, host_name

_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a host before it is asked.

    Attributes:
        label: how messages name it.
        address: where it answers; `port` is the TCP port.
        known_as: its name in known_hosts; `portless` the one that counts too, without its port.
        files: the known_hosts files, the one to add to first.
        jump: the host that it is reached through, as ssh writes it, or "".
        direct: whether ssh-keyscan gets there, through `jump` if there is one.
        principal: its name in a certificate.
        keeps: whether the first of `files` may be added to.
        revoked: a file of keys that no host may show.
    """

    label: str
    address: str
    port: int
    known_as: str
    files: tuple[Path, ...]
    jump: str = ""
    direct: bool = True
    principal: str = ""
    keeps: bool = True
    revoked: Path | None = None
    portless: str = ""


def vouched(identity: Identity, known: Known, shown: bytes, now: float) -> str:
    """Return why the certificate that a host showed is not good enough; "" if it is. Pure.

    Args:
        now: seconds since 1970.

    Raises:
        HostKeyChanged: when its authority is revoked.
    """
    try:
        found = certificate.parse(shown)
        refuse_revoked(identity, known.keys, found.authority)
        authority = certificate.signer(found, known.authorities)
        if authority is None:
            by = fingerprint(found.authority)
            return f"its certificate is signed by {by}, which no @cert-authority line names for it"
        certificate.check(found, identity.principal or identity.address, now)
    except certificate.Bad as problem:
        return f"its certificate does not hold: {problem}"
    return ""


def refuse_revoked(identity: Identity, found: Sequence[Entry], blob: bytes) -> None:
    """Raise HostKeyChanged when known_hosts names this key, or its authority's, as revoked."""
    lines = [entry for entry in found if entry.marker == REVOKED and entry.key == encoded(blob)]
    if lines:
        raise revoked(identity.label, lines[0].place)


def revoked(label: str, place: str) -> HostKeyChanged:
    """Return the error for a key that nobody may trust any more."""
    return HostKeyChanged(
        f"{label} shows a key that is marked as revoked in {place}",
        hint="Do not connect before you know why",
        host=label,
    )


def verify(
    identity: Identity, found: Sequence[Entry], kind: str, blob: bytes, *, certified: str = ""
) -> None:
    """Compare the key that a host showed with what known_hosts says of it. Pure.

    Args:
        certified: why no certificate vouches for it; "" where none could.

    Raises:
        UnknownHostKey: when known_hosts says nothing of the host.
        HostKeyChanged: when it names another key, or this one as revoked.
    """
    refuse_revoked(identity, found, blob)
    if any(entry.key == encoded(blob) for entry in found):
        return
    expected = [entry for entry in found if not entry.marker]
    if expected:
        raise _changed(identity, expected, kind, blob, certified)
    raise _unknown(identity, kind, blob, certified)


def _unknown(identity: Identity, kind: str, blob: bytes, certified: str) -> UnknownHostKey:
    by_authority = "Ask who runs the certificate authority. To trust this one key all the same:\n"
    return UnknownHostKey(
        f"the {_short(kind)} key of {identity.label} is in no known_hosts file{_aside(certified)}",
        hint=(
            f"{by_authority if certified else ''}"
            f"It shows {fingerprint(blob)}. Compare that with the host's own:\n"
            f"  ssh-keygen -lf /etc/ssh/ssh_host_{_short(kind).lower()}_key.pub\n"
            f"and if it is the same, trust it: `inv hosts.trust`, or\n  {_remember(identity, kind, blob)}"
        ),
        host=identity.label,
    )


def _aside(certified: str) -> str:
    return f", and {certified}" if certified else ""


def _remember(identity: Identity, kind: str, blob: bytes) -> str:
    """The command that adds the key: one that asks the host again where that leads to the right line."""
    if not identity.keeps:
        return "(ssh_config names no file to keep it in: set `ssh.known_hosts` in the configuration)"
    if identity.direct and identity.known_as == host_name(identity.address, identity.port):
        return trust_command(identity, kind)
    line = f"{identity.known_as} {kind} {encoded(blob)}"
    return f"echo {shlex.quote(line)} >> {_file(identity)}"


def trust_command(identity: Identity, kind: str) -> str:
    """Return the command that adds the host's key to the first known_hosts file."""
    scan = f"ssh-keyscan -t {_short(kind).lower()} -p {identity.port} -H {shlex.quote(identity.address)}"
    if identity.jump:
        scan = f"ssh {shlex.quote(identity.jump)} {shlex.quote(scan)}"
    return f"{scan} >> {_file(identity)}"


def _file(identity: Identity) -> str:
    return shlex.quote(str(identity.files[0]))


def fingerprint(blob: bytes) -> str:
    """Return the fingerprint as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def preferred(names: Sequence[str], known: Known) -> tuple[str, ...]:
    """Return the types of key to ask for, the best first: a host may have keys of several types.

    Certificates come first where somebody can vouch for them, and last elsewhere.
    """
    kinds = {
        name
        for entry in (*known.keys, *known.portless)
        for name in (_RSA if entry.kind == "ssh-rsa" else (entry.kind,))
    }

    def rank(name: str) -> int:
        if name.endswith(certificate.SUFFIX):
            return 0 if known.authorities else 3
        return 1 if name in kinds else 2

    return tuple(sorted(names, key=rank))


def _changed(
    identity: Identity, expected: Sequence[Entry], kind: str, blob: bytes, certified: str
) -> HostKeyChanged:
    entry = next((entry for entry in expected if entry.kind == kind), expected[0])
    return HostKeyChanged(
        f"the key of {identity.label} is not the one in {entry.place}{_aside(certified)}",
        hint=(
            f"It shows {_short(kind)} {fingerprint(blob)}. Somebody may be in between: "
            "do not go on before you know why.\n"
            "If the host was set up anew, forget the old key and trust the new one:\n"
            "`inv hosts.trust --replace`, or\n"
            f"  ssh-keygen -f {shlex.quote(entry.file)} -R {shlex.quote(identity.known_as)}\n"
            f"  {_remember(identity, kind, blob)}"
        ),
        host=identity.label,
    )


def encoded(blob: bytes) -> str:
    """Return a key as known_hosts has it."""
    return base64.b64encode(blob).decode()


def _short(kind: str) -> str:
    """ED25519 for ssh-ed25519, as ssh's own messages call it."""
    if kind.startswith("ecdsa"):
        return "ECDSA"
    return kind.removeprefix("ssh-").upper()
