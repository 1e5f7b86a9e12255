"""Programs on this machine: one run for what it prints, bounded, or followed; any ended for certain."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

# What a program may print. Linux starts none with a longer variable, so that no container could have it.
MOST = 128 * 1024
_CHUNK, _SAID, _LINE = 1 << 16, 4_000, 2_000
# Seconds: between two looks at a silent program; for the pipes of one that ended; to end when told to.
_LOOK, _GRACE, _TERM = 0.2, 1.0, 2.0

Take = Callable[[bytes], object]
"""Takes what a program prints, as it comes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code; None where it was ended here, at its deadline or because it printed too much.
        out: what it printed, at most one byte more than `MOST`.
        said: the end of what it wrote on stderr, if that was not the terminal.
    """

    code: int | None
    out: bytes
    said: bytes


@dataclass(slots=True)
class OutputLines:
    """Output cut into lines for `on_line`; what is too much is counted and dropped.

    Attributes:
        room: bytes that are left of what is kept.
    """

    on_line: Callable[[str], None]
    room: int = sys.maxsize
    dropped: int = 0
    _rest: bytes = field(default=b"")

    def feed(self, chunk: bytes) -> None:
        """Take a piece of output."""
        kept = chunk[: self.room]
        self.dropped += len(chunk) - len(kept)
        self.room -= len(kept)
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


def run(
    words: Sequence[str],
    deadline: float,
    *,
    ask: bool = False,
    over: Callable[[], bool] = lambda: False,
    more: Mapping[str, str] | None = None,
) -> Ended:
    """Run a program, without a shell.

    Args:
        ask: whether it may ask on the terminal, if there is one; else its stdin is empty.
        over: whether nobody waits for it any more; it is ended then.
        more: variables that it has beside ours.

    Raises:
        OSError: where it cannot be started.
    """
    terminal = ask and sys.stdin is not None and sys.stdin.isatty()
    # A session of its own has no terminal: what asks on it has to stay in ours.
    program = subprocess.Popen(
        words,
        stdin=None if terminal else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # Where it asks, mostly: a question that we keep is a question that nobody answers.
        stderr=None if terminal and os.isatty(2) else subprocess.PIPE,
        start_new_session=not terminal,
        env={**os.environ, **more} if more else None,
    )
    out, said = bytearray(), bytearray()

    def keep(chunk: bytes) -> None:
        said.extend(chunk)
        del said[:-_SAID]

    def enough() -> bool:
        return over() or len(out) > MOST

    try:
        whole = _read(program, time.monotonic() + deadline, out.extend, keep, enough) and len(out) <= MOST
        with suppress(subprocess.TimeoutExpired):
            program.wait(_GRACE if whole else 0)
        return Ended(program.returncode if whole else None, bytes(out[: MOST + 1]), bytes(said))
    finally:
        _close(program, group=not terminal)


def follow(
    words: Sequence[str | os.PathLike[str]],
    deadline: float,
    out: Take,
    err: Take | None = None,
    *,
    given: bytes = b"",
    over: Callable[[], bool] = lambda: False,
) -> int | None:
    """Run a program, without a shell and a terminal, whose output is taken as it comes.

    Args:
        out: takes what it prints on stdout.
        err: takes what it prints on stderr; without it, `out` does.
        given: what it reads on stdin; from a file, so that one that reads nothing blocks nobody.
        over: whether nobody waits for it any more; it is ended then.

    Returns:
        Its exit code; None where it was ended here, at its deadline or because nobody waits for it.

    Raises:
        OSError: where it cannot be started.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        program = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if err else subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        whole = _read(program, time.monotonic() + deadline, out, err or out, over)
        with suppress(subprocess.TimeoutExpired):
            program.wait(_GRACE if whole else 0)
        return program.returncode if whole else None
    finally:
        _close(program)


def _read(
    program: subprocess.Popen[bytes], until: float, out: Take, err: Take, over: Callable[[], bool]
) -> bool:
    """Take what it prints until it has ended; False where it was not waited for to its end."""
    takes: Mapping[IO[bytes] | None, Take] = {program.stderr: err, program.stdout: out}
    with selectors.DefaultSelector() as selector:
        for pipe, take in takes.items():
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, take)
        while selector.get_map():
            left = until - time.monotonic()
            if left <= 0 or over():
                # What it left running in the background may hold its pipes.
                return program.poll() is not None
            for key, _ in selector.select(min(left, _LOOK)):
                chunk = os.read(key.fd, _CHUNK)
                if chunk:
                    key.data(chunk)
                else:
                    selector.unregister(key.fileobj)
            if program.poll() is not None:
                until = min(until, time.monotonic() + _GRACE)
    with suppress(subprocess.TimeoutExpired):
        program.wait(max(0.0, until - time.monotonic()))
    return program.returncode is not None


def _close(program: subprocess.Popen[bytes], *, group: bool = True) -> None:
    if program.returncode is None:
        end(program, group=group)
    for pipe in (program.stdout, program.stderr):
        if pipe:
            pipe.close()


def end(program: subprocess.Popen[bytes], *, group: bool = True) -> None:
    """End a program: it is asked first, and then not any more.

    Args:
        group: whether it has a process group of its own, which ends with it.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            if group:
                os.killpg(program.pid, number)
            else:
                program.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            program.wait(_TERM)
    program.wait()
