"""The download of a backup: resumed where it broke off, checked against its manifest."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from schedgen_ops import events
from schedgen_ops.backup.catalog.manifest import MANIFEST, File, Manifest, to_json
from schedgen_ops.errors import ConnectionLost, OpsError, Refused, Unreachable
from schedgen_ops.remote import Remote
from schedgen_ops.text import size

_CHUNK = 1024 * 1024
# Bytes a second that the slowest link still worth using moves.
_SLOWEST = 20_000
_PAUSES = (1.0, 3.0, 10.0)
_REPORT_EVERY = 1024 * 1024
_WRONG = "{} is not what its manifest says, here or on the host"


@dataclass(slots=True)
class Fetch:
    """The download of one host's share of a backup into a folder of this machine.

    Attributes:
        source: the backup's folder on the host.
        target: the folder here; it is made for its owner alone.
        pause: waits some seconds before a broken connection is tried again.
    """

    remote: Remote
    source: str
    target: Path
    emit: events.Emit
    pause: Callable[[float], None] = time.sleep
    _before: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)

    def __call__(self, backup: Manifest) -> None:
        """Fetch all files, then the manifest: where that is, the rest is there and right.

        Raises:
            Refused: where the disk here has no room for it.
            OpsError: when the bytes are wrong on the host, or the connection broke again and again.
        """
        for file in backup.files:
            _plain(file.name)
        try:
            self._all(backup)
        except OSError as error:
            raise OpsError(
                f"{self.target} cannot be written: {error.strerror}", host=self.remote.name
            ) from error

    def _all(self, backup: Manifest) -> None:
        self._before, self._total = 0, backup.size
        for folder in (*reversed(self.target.parents), self.target):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.target.chmod(0o700)
        self._room(backup)
        for file in backup.files:
            self._file(file)
            self._before += file.size
        with _opened(self.target / f"{MANIFEST}.part", "wb") as out:
            out.write(to_json(backup).encode() + b"\n")
        _placed(self.target / f"{MANIFEST}.part", self.target / MANIFEST)

    def _room(self, backup: Manifest) -> None:
        there = sum(path.stat().st_size for path in self.target.iterdir() if path.is_file())
        needed, free = backup.size - there, shutil.disk_usage(self.target).free
        if needed > free:
            raise Refused(
                f"{self.target} has {size(free)} free, and {size(needed)} are to come",
                host=self.remote.name,
                hint="Free some space, or fetch to another disk with --to.",
            )

    def _file(self, file: File) -> None:
        final, part = self.target / file.name, self.target / f"{file.name}.part"
        if final.exists():
            if _is(final, file):
                self._tell(file.size)
                return
            final.unlink()
        for again in (False, True):
            self._rest(file, part)
            # Read back from the disk: what counts is what is there.
            if _is(part, file):
                _placed(part, final)
                return
            part.unlink()
            if not again:
                text = f"{file.name} does not fit its manifest: fetched again from the beginning"
                events.warn(self.emit, text, self.remote.name)
        raise OpsError(
            _WRONG.format(file.name),
            host=self.remote.name,
            hint="`inv backup.verify ID` looks at the host's own files.",
        )

    def _rest(self, file: File, part: Path) -> None:
        """What is not here yet, behind what is."""
        tries = 0
        with _opened(part, "ab") as out:
            if out.tell() > file.size:
                out.truncate(0)
            while True:
                begun = out.tell()
                try:
                    self._download(file, out)
                    return
                except Unreachable as error:
                    out.flush()
                    tries = 0 if out.tell() > begun else tries
                    # A key that is refused stays refused.
                    if tries >= len(_PAUSES) or type(error) not in (ConnectionLost, Unreachable):
                        error.hint = "The same command goes on from here, once the host can be reached."
                        raise
                    text = f"the connection was lost after {size(out.tell())} of {file.name}; going on"
                    events.warn(self.emit, text, self.remote.name)
                    self.pause(_PAUSES[tries])
                    tries += 1

    def _download(self, file: File, out: BinaryIO) -> None:
        told = 0

        def take(data: bytes) -> None:
            nonlocal told
            out.write(data)
            at = out.tell()
            if at > file.size:
                raise OpsError(_WRONG.format(file.name), host=self.remote.name)
            if at - told >= _REPORT_EVERY or at == file.size:
                told = at
                self._tell(at)

        begun = out.tell()
        deadline = 60 + (file.size - begun) / _SLOWEST
        self.remote.download(f"{self.source}/{file.name}", take, offset=begun, deadline=deadline)

    def _tell(self, done: int) -> None:
        label = f"Fetching {self.target.name}"
        done += self._before
        self.emit(events.Progress(label, done, self._total, "bytes", self.remote.name))


def _plain(name: str) -> None:
    """A name from a host must not lead out of the folder."""
    if name != Path(name).name or name.startswith(".") or name == MANIFEST or name.endswith(".part"):
        raise OpsError(f"the manifest names a file {name!r}, which no backup has")


def _placed(part: Path, final: Path) -> None:
    """`part` under its name, and on the disk: a power cut leaves none that only looks whole."""
    _synced(part)
    part.replace(final)
    # Not every file system can say so of a folder.
    with suppress(OSError):
        _synced(final.parent)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path, mode: str) -> BinaryIO:
    """A file for its owner alone; a symbolic link in its place is refused."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW, 0o600)

    file: BinaryIO = open(path, mode, opener=opener)  # type: ignore[assignment]  # noqa: SIM115
    os.fchmod(file.fileno(), 0o600)
    return file


def _is(path: Path, file: File) -> bool:
    """Whether it has the size and the SHA-256 of the manifest; reads it piece by piece."""
    if path.stat().st_size != file.size:
        return False
    found = hashlib.sha256()
    with path.open("rb") as data:
        while piece := data.read(_CHUNK):
            found.update(piece)
    return found.hexdigest() == file.sha256
