"""Which of a host's keys are pinned, and what a known_hosts file is with others in it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host.known_hosts import REVOKED, Entry, Index, Known
from schedgen_ops.host.trust import Identity, encoded, fingerprint, revoked


@dataclass(frozen=True, slots=True)
class Shown:
    """A key as a host shows it: its type, and the key itself as SSH sends it."""

    kind: str
    blob: bytes

    def __str__(self) -> str:
        """Return its fingerprint and type, as ssh-keygen -lf prints them."""
        name = "ECDSA" if self.kind.startswith("ecdsa") else self.kind.removeprefix("ssh-").upper()
        return f"{fingerprint(self.blob)} ({name})"


def stale(identity: Identity, known: Known, shown: Iterable[Shown]) -> tuple[Entry, ...] | None:
    """Return the pinned keys that the host does not show; None where it shows one, and no other of its type.

    A key under its name without the port may be another machine's: where the host shows that one it is good,
    and else it says nothing.

    Raises:
        HostKeyChanged: where a key that it shows is revoked.
    """
    keys = {encoded(one.blob): one.kind for one in shown}
    for entry in known.keys:
        if entry.marker == REVOKED and entry.key in keys:
            raise revoked(identity.label, entry.place)
    pinned = [entry for entry in known.keys if not entry.marker]
    gone = tuple(entry for entry in pinned if entry.key not in keys)
    known_one = len(gone) < len(pinned) or any(entry.key in keys for entry in known.portless)
    good = known_one and not {entry.kind for entry in gone} & set(keys.values())
    return None if good else gone


def pin(identity: Identity, shown: Iterable[Shown], old: Iterable[Entry]) -> None:
    """Put keys of a host into the first of its known_hosts files, in place of the lines in `old`.

    Raises:
        Refused: where that file cannot be written, a line of `old` is not this host's alone,
            or is in another file, or somebody pinned another key meanwhile.
    """
    # Behind a link is the file itself, which stays linked.
    file = identity.files[0].resolve()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (file.parent / f".{file.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = file.read_bytes() if file.exists() else b""
            _replace(file, changed(identity, before, tuple(shown), tuple(old)))
    except OSError as problem:
        raise Refused(f"{file} cannot be written: {problem.strerror}", host=identity.label) from None


def changed(identity: Identity, before: bytes, shown: tuple[Shown, ...], old: tuple[Entry, ...]) -> bytes:
    """Return a known_hosts file with keys of a host in place of its old ones; every other line is kept. Pure.

    Raises:
        Refused: as `pin`.
    """
    text = before.decode(errors="surrogateescape")
    lines = text.splitlines()
    found = Index(text, str(identity.files[0])).find(identity.known_as)
    here = {entry.line: entry for entry in found if not entry.marker}
    gone = {(entry.kind, entry.key) for entry in old}
    if any(Path(entry.file) != identity.files[0] for entry in old):
        raise _by_hand(identity, old[0])
    for number, entry in here.items():
        if (entry.kind, entry.key) not in gone:
            if entry.key not in {encoded(one.blob) for one in shown}:
                raise Refused(f"another key of {identity.label} was pinned meanwhile", host=identity.label)
        elif not _alone(lines[number - 1], identity.known_as):
            raise _by_hand(identity, entry)
    if gone - {(entry.kind, entry.key) for entry in here.values()}:
        raise _by_hand(identity, old[0])
    leaving = {number for number, entry in here.items() if (entry.kind, entry.key) in gone}
    staying = {entry.key for number, entry in here.items() if number not in leaving}
    new = [one for one in shown if encoded(one.blob) not in staying]
    kept = [line for number, line in enumerate(lines, 1) if number not in leaving]
    kept += [f"{identity.known_as} {one.kind} {encoded(one.blob)}" for one in new]
    return ("\n".join(kept) + "\n").encode(errors="surrogateescape")


def _alone(line: str, name: str) -> bool:
    names = line.split(maxsplit=1)[0]
    return names.startswith("|1|") or names.lower() == name.lower()


def _by_hand(identity: Identity, entry: Entry) -> OpsError:
    text = f"the line {entry.place} is not of {identity.label} alone, or in a file that is not changed here"
    return Refused(text, hint="Take the key out of it yourself, then trust the new one", host=identity.label)


def _replace(file: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as beside:
            beside.write(content)
            beside.flush()
            os.fsync(beside.fileno())
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
