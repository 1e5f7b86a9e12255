"""A host's certificate in OpenSSH's form: taken apart, and checked against a certificate authority. Pure."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from paramiko import Message, PKey, SSHException

from schedgen_ops.host.known_hosts import Entry

SUFFIX = "-cert-v01@openssh.com"
_HOST = 2
# How many fields the key itself has in a certificate of this kind.
_KEY_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
}
# Not ssh-rsa, whose hash is SHA-1.
_SIGNATURES = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
    **{kind: (kind,) for kind in _KEY_FIELDS if kind.startswith("ecdsa")},
}
_FOREVER = 2**64 - 1


class Bad(Exception):
    """The certificate does not hold; the text says why."""


@dataclass(frozen=True, slots=True)
class SshCertificate:
    """What a certificate says.

    Attributes:
        kind: 2 for a host's.
        after: the moments, in seconds since 1970, between which it holds: from `after` on, before `before`.
        signed: the part that `signature`, by the key `authority`, is about.
    """

    key_id: str
    kind: int
    principals: tuple[str, ...]
    after: int
    before: int
    critical: tuple[str, ...]
    authority: bytes
    signed: bytes
    signature: bytes


def parse(blob: bytes) -> SshCertificate:
    """Return what the bytes of a certificate say.

    Raises:
        Bad: when it is none that is understood.
    """
    try:
        return _parsed(blob)
    except (KeyError, ValueError) as problem:
        raise Bad(f"it is not understood ({problem})") from None


def key_of(blob: bytes) -> bytes:
    """Return the key that a certificate is for. Raises Bad."""
    try:
        fields = _Fields(blob)
        kind = fields.text().removesuffix(SUFFIX)
        fields.next()
        start = fields.position
        for _part in range(_KEY_FIELDS[kind]):
            fields.next()
    except (KeyError, ValueError) as problem:
        raise Bad(f"it is not understood ({problem})") from None
    return struct.pack(">I", len(kind)) + kind.encode() + blob[start : fields.position]


def signer(found: SshCertificate, authorities: Sequence[Entry]) -> Entry | None:
    """Return the line of known_hosts that names the certificate's authority."""
    key = base64.b64encode(found.authority).decode()
    return next((entry for entry in authorities if entry.key == key), None)


def check(found: SshCertificate, name: str, now: float) -> None:
    """Raise unless a certificate holds for the host `name`, by what it says and by its signature.

    Raises:
        Bad: with what is wrong.
    """
    if found.kind != _HOST:
        raise Bad("it is a user's, not a host's")
    if found.principals and name.lower() not in found.principals:
        raise Bad(f"it is for {', '.join(found.principals)}, not for {name}")
    if now < found.after:
        raise Bad(f"it holds from {_moment(found.after)} on, and here it is {_moment(int(now))}")
    if found.before != _FOREVER and now >= found.before:
        raise Bad(f"it has run out on {_moment(found.before)}")
    if found.critical:
        raise Bad(f"it demands {', '.join(found.critical)}, which is not understood")
    _check_signature(found)


def _check_signature(found: SshCertificate) -> None:
    kind = _kind(found.authority)
    if kind not in _SIGNATURES:
        raise Bad(f"its authority has a key of type {kind}, which is not understood here")
    signature = _Fields(found.signature)
    try:
        algorithm, _ = signature.text(), signature.next()
    except ValueError:
        raise Bad("its signature is cut off") from None
    if signature.position != len(found.signature):
        raise Bad("its signature is wrong")
    if algorithm not in _SIGNATURES[kind]:
        raise Bad("it is signed with an algorithm that is not safe any more")
    try:
        right = PKey.from_type_string(kind, found.authority).verify_ssh_sig(
            found.signed, Message(found.signature)
        )
    except (ValueError, SSHException, struct.error):
        right = False
    if not right:
        raise Bad("its signature is wrong")


def _kind(key: bytes) -> str:
    try:
        return _Fields(key).text()
    except ValueError:
        return "unknown"


def _parsed(blob: bytes) -> SshCertificate:
    fields = _Fields(blob)
    kind = fields.text().removesuffix(SUFFIX)
    for _nonce_and_key in range(1 + _KEY_FIELDS[kind]):
        fields.next()
    _serial, role = fields.number(8), fields.number(4)
    key_id, principals = fields.text(), _texts(fields.next())
    after, before = fields.number(8), fields.number(8)
    critical = _texts(fields.next())[::2]
    _extensions, _reserved = fields.next(), fields.next()
    authority = fields.next()
    signed = blob[: fields.position]
    signature = fields.next()
    if fields.position != len(blob):
        raise ValueError("something follows it")
    return SshCertificate(key_id, role, principals, after, before, critical, authority, signed, signature)


class _Fields:
    """Fields one after the other; a field that is cut off is an error, and never shorter."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self.data):
            raise ValueError("it is cut off")
        self.position, found = end, self.data[self.position : end]
        return found

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def next(self) -> bytes:
        return self.take(self.number(4))

    def text(self) -> str:
        return self.next().decode()


def _texts(packed: bytes) -> tuple[str, ...]:
    fields, found = _Fields(packed), []
    while fields.position < len(packed):
        found.append(fields.text())
    return tuple(found)


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return str(seconds)
