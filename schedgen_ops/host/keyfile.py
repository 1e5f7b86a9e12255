"""Private key files: what kind of key one holds, its public half, and the key itself."""

from __future__ import annotations

import base64
import binascii
import struct
from contextlib import suppress
from pathlib import Path

from paramiko import ECDSAKey, Ed25519Key, PasswordRequiredException, PKey, RSAKey, SSHException

from schedgen_ops.host.certificate import Bad, key_of

_MAGIC = b"openssh-key-v1\0"
_LONGEST = 64 * 1024
_LEGACY: tuple[tuple[bytes, type[PKey]], ...] = (
    (b"BEGIN RSA PRIVATE KEY", RSAKey),
    (b"BEGIN EC PRIVATE KEY", ECDSAKey),
)


class Encrypted(Exception):
    """The key needs a passphrase."""


class Unusable(Exception):
    """The file holds no private key that can be used; the text says why."""


def read(path: Path, passphrase: str | None = None) -> PKey:
    """Return the key in a file.

    Raises:
        Encrypted: when it needs a passphrase and none was given.
        Unusable: when it cannot be read, is no key, or the passphrase does not fit.
    """
    try:
        # Paramiko's own detection parses a key twice, and fails on encrypted ones.
        return _kind(path.read_bytes()).from_private_key_file(str(path), passphrase)
    except FileNotFoundError:
        raise Unusable("no such file") from None
    except OSError as problem:
        raise Unusable(problem.strerror or str(problem)) from None
    except PasswordRequiredException:
        raise Encrypted from None
    except (ValueError, SSHException, struct.error) as problem:
        raise Unusable("the passphrase does not fit" if passphrase else f"not usable: {problem}") from None


def public_blob(path: Path) -> bytes:
    """Return the public half of a key, from the file, its .pub file, or OpenSSH's format; else b""."""
    for file in (path, path.with_name(f"{path.name}.pub")):
        with suppress(OSError, ValueError):
            return _public(file)
    try:
        return _openssh_public(path.read_bytes())
    except (OSError, ValueError, struct.error):
        return b""


def is_public(path: Path) -> bool:
    """Return whether a file has the public half of a key alone, so that only an agent can have the other."""
    with suppress(OSError, ValueError):
        return bool(_public(path))
    return False


def certified_blob(path: Path) -> bytes:
    """Return the public half of the key that a certificate is for; b"" for what is none."""
    with suppress(OSError, ValueError, Bad):
        return key_of(_public(path))
    return b""


def _kind(data: bytes) -> type[PKey]:
    for mark, kind in _LEGACY:
        if mark in data:
            return kind
    name = _field(_openssh_public(data), 0)[0]
    if name == b"ssh-ed25519":
        return Ed25519Key
    if name.startswith(b"ecdsa-sha2-"):
        return ECDSAKey
    if name == b"ssh-rsa":
        return RSAKey
    raise ValueError(f"keys of type {name.decode(errors='replace')} work through the agent only")


def _public(path: Path) -> bytes:
    """The key in a file of one line: type, base64 text, comment. Raises ValueError for any other."""
    with path.open("rb") as file:
        words = file.read(_LONGEST).split(None, 2)
    if len(words) < 2 or not words[0].startswith((b"ssh-", b"ecdsa-", b"sk-")):
        raise ValueError("not a public key")
    return base64.b64decode(words[1], validate=True)


def _openssh_public(data: bytes) -> bytes:
    """The public half that the OpenSSH format keeps in the clear. Raises ValueError for anything else."""
    if b"BEGIN OPENSSH PRIVATE KEY" not in data:
        raise ValueError("not a private key of OpenSSH")
    try:
        body = base64.b64decode(b"".join(data.strip().splitlines()[1:-1]), validate=True)
    except binascii.Error as problem:
        raise ValueError("not a private key") from problem
    if not body.startswith(_MAGIC):
        raise ValueError("not a private key of OpenSSH")
    position = len(_MAGIC)
    for _cipher_and_key_derivation in range(3):
        position = _field(body, position)[1]
    return _field(body, position + 4)[0]


def _field(data: bytes, position: int) -> tuple[bytes, int]:
    """A length and as many bytes, and where the next field starts."""
    (length,) = struct.unpack_from(">I", data, position)
    end = position + 4 + length
    return data[position + 4 : end], end
