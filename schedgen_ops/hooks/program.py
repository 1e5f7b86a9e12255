"""One program run on this machine: its output line by line, bounded, and an end that it cannot put off."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from schedgen_ops import local_program

_CHUNK = 1 << 16
_LINE, _KEPT = 2_000, 256_000
# Seconds: between two looks at a silent program; for what it leaves to say its last.
_LOOK, _GRACE = 0.2, 1.0


@dataclass(slots=True)
class OutputLines:
    """Output cut into lines for `on_line`; what is too much is counted and dropped."""

    on_line: Callable[[str], None]
    dropped: int = 0
    _room: int = _KEPT
    _rest: bytes = field(default=b"")

    def feed(self, chunk: bytes) -> None:
        """Take a piece of output."""
        kept = chunk[: self._room]
        self.dropped += len(chunk) - len(kept)
        self._room -= len(kept)
        *lines, self._rest = (self._rest + kept).split(b"\n")
        for line in lines:
            self._say(line)
        while len(self._rest) > _LINE:
            self._say(self._rest[:_LINE])
            self._rest = self._rest[_LINE:]

    def end(self) -> None:
        """Give what is left, and say what is missing."""
        if self._rest:
            self._say(self._rest)
            self._rest = b""
        if self.dropped:
            self.on_line(f"... {self.dropped} more bytes of output are not kept")

    def _say(self, line: bytes) -> None:
        self.on_line(line.decode(errors="replace"))


def run(path: Path, given: bytes, deadline: float, on_line: Callable[[str], None]) -> int | None:
    """Run a program and return its exit code, None where it was ended at its deadline.

    Args:
        given: what it reads on stdin; from a file, so that one that reads nothing blocks nobody.
        deadline: seconds.
        on_line: takes what it prints on stdout and stderr.

    Raises:
        OSError: where it cannot be started.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        program = subprocess.Popen(
            [path], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
    lines = OutputLines(on_line)
    try:
        return _followed(program, time.monotonic() + deadline, lines)
    finally:
        if program.returncode is None:
            local_program.end(program)
        if program.stdout:
            program.stdout.close()
        lines.end()


def _followed(program: subprocess.Popen[bytes], end: float, lines: OutputLines) -> int | None:
    assert program.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            if selector.select(min(left, _LOOK)):
                chunk = os.read(program.stdout.fileno(), _CHUNK)
                if not chunk:
                    break
                lines.feed(chunk)
            elif program.poll() is not None:
                # What it left running in the background holds its output open.
                break
            if program.poll() is not None:
                end = min(end, time.monotonic() + _GRACE)
    with suppress(subprocess.TimeoutExpired):
        program.wait(max(0.0, end - time.monotonic()))
    return program.returncode
