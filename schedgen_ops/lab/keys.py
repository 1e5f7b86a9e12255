"""The lab's own SSH keys: one for the operator, one per host, kept so that known_hosts stays true."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from schedgen_ops.lab.place import LabHost, Place

HOST_KEY = "ssh_host_ed25519_key"


def ensure(place: Place, hosts: tuple[LabHost, ...]) -> None:
    """Make the keys that are not there yet, and known_hosts with one line per host."""
    place.root.mkdir(parents=True, exist_ok=True)
    operator = _ensure_pair(place.key, "schedgen-lab")
    for host in hosts:
        folder = folder_of(place, host)
        folder.mkdir(parents=True, exist_ok=True)
        _ensure_pair(folder / HOST_KEY, host.name)
        (folder / "authorized_keys").write_text(operator)
    place.known_hosts.write_text("".join(_known_line(place, host) for host in hosts))


def folder_of(place: Place, host: LabHost) -> Path:
    """Return the folder that is copied to the host's /etc/ssh/keys."""
    return place.host_keys / host.name


def fingerprint(place: Place, host: LabHost) -> str:
    """Return a text that changes when any of the host's keys, or the port that they are for, does."""
    names = (f"{HOST_KEY}.pub", "authorized_keys")
    text = "".join((folder_of(place, host) / name).read_text() for name in names)
    return hashlib.sha256(f"{place.ssh_port} {text}".encode()).hexdigest()[:16]


def _known_line(place: Place, host: LabHost) -> str:
    kind, key = (folder_of(place, host) / f"{HOST_KEY}.pub").read_text().split()[:2]
    address = host.address if place.ssh_port == 22 else f"[{host.address}]:{place.ssh_port}"
    return f"{address} {kind} {key}\n"


def _ensure_pair(path: Path, comment: str) -> str:
    """The public key's line; both files are made if the private one is missing."""
    public = path.with_name(path.name + ".pub")
    if not path.exists() or not public.exists():
        secret, line = _generate(comment)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
        public.write_text(line)
    return public.read_text()


def _generate(comment: str) -> tuple[bytes, str]:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return secret, f"{public.decode()} {comment}\n"
