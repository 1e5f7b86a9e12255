"""Whether a host is the one it says it is: its key against known_hosts, and nothing is trusted by itself."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paramiko import MissingHostKeyPolicy, PKey, SSHClient, Transport

from schedgen_ops.errors import HostKeyChanged, UnknownHostKey
from schedgen_ops.host.known_hosts import Entry, KnownHosts

_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a host before it is asked.

    Attributes:
        label: how messages name it.
        address: where it answers; `port` is the TCP port.
        known_as: its name in known_hosts.
        files: the known_hosts files, the one to add to first.
        jump: the host that it is reached through, as ssh writes it, or "".
    """

    label: str
    address: str
    port: int
    known_as: str
    files: tuple[Path, ...]
    jump: str = ""


class Policy(MissingHostKeyPolicy):
    """Refuses every key that known_hosts does not hold; Paramiko has no keys itself, so it always asks."""

    def __init__(self, identity: Identity, known: KnownHosts) -> None:
        self.identity = identity
        self.known = known

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:  # noqa: ARG002
        """Raises UnknownHostKey or HostKeyChanged unless the key is known."""
        found = self.known.find(self.identity.files, self.identity.known_as)
        verify(self.identity, found, key.get_name(), key.asbytes())


def verify(identity: Identity, found: Sequence[Entry], kind: str, blob: bytes) -> None:
    """Compare the key that a host showed with what known_hosts says of it. Pure.

    Raises:
        UnknownHostKey: when known_hosts says nothing of the host.
        HostKeyChanged: when it names another key, or this one as revoked.
    """
    shown = base64.b64encode(blob).decode()
    same = [entry for entry in found if entry.key == shown]
    revoked = [entry for entry in same if entry.marker]
    if revoked:
        raise HostKeyChanged(
            f"{identity.label} shows a key that is marked as revoked in {revoked[0].place}",
            hint="Do not connect before you know why",
            host=identity.label,
        )
    if same:
        return
    expected = [entry for entry in found if not entry.marker]
    if expected:
        raise _changed(identity, expected, kind, blob)
    raise UnknownHostKey(
        f"the {_short(kind)} key of {identity.label} is in no known_hosts file",
        hint=(
            f"It shows {fingerprint(blob)}. Compare that with the host's own:\n"
            f"  ssh-keygen -lf /etc/ssh/ssh_host_{_short(kind).lower()}_key.pub\n"
            f"and if it is the same, trust it:\n  {trust_command(identity, kind)}"
        ),
        host=identity.label,
    )


def trust_command(identity: Identity, kind: str) -> str:
    """The command that adds the host's key to the first known_hosts file."""
    scan = f"ssh-keyscan -t {_short(kind).lower()} -p {identity.port} -H {shlex.quote(identity.address)}"
    if identity.jump:
        scan = f"ssh {shlex.quote(identity.jump)} {shlex.quote(scan)}"
    return f"{scan} >> {shlex.quote(str(identity.files[0]))}"


def fingerprint(blob: bytes) -> str:
    """The fingerprint as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def prefer_known(transport: Transport, found: Sequence[Entry]) -> None:
    """Ask first for the types of key that known_hosts has: a host may hold keys of several types."""
    known = {name for entry in found for name in (_RSA if entry.kind == "ssh-rsa" else (entry.kind,))}
    options = transport.get_security_options()
    options.key_types = sorted(options.key_types, key=lambda name: name not in known)


def _changed(identity: Identity, expected: Sequence[Entry], kind: str, blob: bytes) -> HostKeyChanged:
    entry = next((entry for entry in expected if entry.kind == kind), expected[0])
    return HostKeyChanged(
        f"the key of {identity.label} is not the one in {entry.place}",
        hint=(
            f"It shows {_short(kind)} {fingerprint(blob)}. Somebody may be in between: "
            "do not go on before you know why.\n"
            "If the host was set up anew, forget the old key and trust the new one:\n"
            f"  ssh-keygen -f {shlex.quote(entry.file)} -R {shlex.quote(identity.known_as)}\n"
            f"  {trust_command(identity, kind)}"
        ),
        host=identity.label,
    )


def _short(kind: str) -> str:
    """ED25519 for ssh-ed25519, as ssh's own messages call it."""
    if kind.startswith("ecdsa"):
        return "ECDSA"
    return kind.removeprefix("ssh-").upper()
