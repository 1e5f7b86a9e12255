"""Append-only files that never stop a run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


class Appender:
    """A private file that is appended to, each piece handed to the system at once.

    A full disk or a lost folder is told once and tried again with the next piece; a piece that was
    cut short is ended first, so that it spoils no line but its own.

    Args:
        path: created with mode 0600; its folder, if absent, with mode 0700.
        complain: takes the one sentence about a file that cannot be written.
    """

    def __init__(self, path: Path, complain: Callable[[str], None]) -> None:
        self.path = path
        self._complain: Callable[[str], None] | None = complain
        self._torn = False
        self._fd = -1
        self._guard(self._open)
        self._opened = self._fd >= 0

    def _open(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def usable(self) -> bool:
        """Whether the file could be opened."""
        return self._opened

    def write(self, text: str, *, sync: bool = False) -> None:
        """Append `text`; with `sync` it is on the disk when this returns."""
        if self._fd >= 0:
            self._guard(lambda: self._append(text.encode("utf-8", "backslashreplace"), sync))

    def _append(self, data: bytes, sync: bool) -> None:
        data = b"\n" + data if self._torn else data
        self._torn = True
        while data:
            data = data[os.write(self._fd, data) :]
        self._torn = False
        if sync:
            os.fsync(self._fd)

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            if self._complain:
                reason = error.strerror or error
                self._complain(f"Cannot write {self.path}: {reason}; the run goes on without it")
                self._complain = None

    def close(self) -> None:
        """Close the file; writing afterwards does nothing."""
        if self._fd >= 0:
            self._guard(lambda: os.close(self._fd))
            self._fd = -1
