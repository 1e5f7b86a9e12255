"""RevokedHostKeys: keys that no host may show, in a text file or in the binary form of `ssh-keygen -k`."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from schedgen_ops.errors import Unreachable
from schedgen_ops.host.trust import Identity, revoked

_BINARY = b"SSHKRL\n\0"
_PATIENCE = 10.0


class CannotTell(Exception):
    """Whether a key is revoked cannot be found out; the text says why."""


def refuse_listed(identity: Identity, *shown: tuple[str, bytes]) -> None:
    """Refuse a host that shows a key or certificate, each a type and its bytes, of its file of revoked ones.

    Raises:
        HostKeyChanged: where one is in it.
        Unreachable: where that cannot be told.
    """
    file, label = identity.revoked, identity.label
    if file is None:
        return
    try:
        listed = any_revoked(file, shown)
    except CannotTell as problem:
        raise Unreachable(
            f"whether the key of {label} is revoked cannot be told: {problem}",
            hint=f"ssh_config names {file} as RevokedHostKeys",
            host=label,
        ) from None
    if listed:
        raise revoked(label, str(file))


def any_revoked(file: Path, blobs: Sequence[tuple[str, bytes]]) -> bool:
    """Return whether one of the keys or certificates, each a type and its bytes, is in the file.

    Raises:
        CannotTell: when the file cannot be read, which to ssh too is a reason to go no further.
    """
    try:
        content = file.read_bytes()
        if content.startswith(_BINARY):
            return any(_in_binary(file, kind, blob) for kind, blob in blobs)
    except (OSError, subprocess.SubprocessError) as problem:
        raise CannotTell(str(problem)) from None
    listed = {word for line in content.splitlines() for word in line.split()[:2]}
    return any(base64.b64encode(blob) in listed for _kind, blob in blobs)


def _in_binary(file: Path, kind: str, blob: bytes) -> bool:
    with TemporaryDirectory() as folder:
        public = Path(folder) / "key.pub"
        public.write_text(f"{kind} {base64.b64encode(blob).decode()}\n")
        words = ["ssh-keygen", "-Q", "-f", str(file), str(public)]
        said = subprocess.run(words, capture_output=True, timeout=_PATIENCE, check=False)
    if said.returncode and b"REVOKED" not in said.stdout:
        raise CannotTell(said.stderr.decode(errors="replace").strip() or f"ssh-keygen: {said.returncode}")
    return said.returncode != 0
