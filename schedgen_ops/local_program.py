"""Programs of the operator's on this machine: one run for what it prints, bounded; any ended for certain."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

# What a program may print. Linux starts none with a longer variable, so that no container could have it.
MOST = 128 * 1024
_CHUNK, _SAID = 1 << 16, 4_000
# Seconds: between two looks at a silent program; for the pipes of one that ended; to end when told to.
_LOOK, _GRACE, _TERM = 0.2, 1.0, 2.0


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


def run(
    words: Sequence[str], deadline: float, *, ask: bool = False, over: Callable[[], bool] = lambda: False
) -> Ended:
    """Run a program, without a shell.

    Args:
        ask: whether it may ask on the terminal, if there is one; else its stdin is empty.
        over: whether nobody waits for it any more; it is ended then.

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
    )
    out, said = bytearray(), bytearray()
    try:
        whole = _read(program, time.monotonic() + deadline, out, said, over)
        with suppress(subprocess.TimeoutExpired):
            program.wait(_GRACE if whole else 0)
        return Ended(program.returncode if whole else None, bytes(out), bytes(said))
    finally:
        if program.returncode is None:
            end(program, group=not terminal)
        for pipe in (program.stdout, program.stderr):
            if pipe:
                pipe.close()


def _read(
    program: subprocess.Popen[bytes], until: float, out: bytearray, said: bytearray, over: Callable[[], bool]
) -> bool:
    """Take what it prints until it has ended; False where it was not waited for to its end."""
    assert program.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ, out)
        if program.stderr is not None:
            selector.register(program.stderr, selectors.EVENT_READ, said)
        while selector.get_map():
            left = until - time.monotonic()
            if left <= 0 or over() or len(out) > MOST:
                # What it left running in the background may hold its pipes.
                return program.poll() is not None and len(out) <= MOST
            for key, _ in selector.select(min(left, _LOOK)):
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                kept: bytearray = key.data
                kept.extend(chunk)
            del said[:-_SAID]
            del out[MOST + 1 :]
            if program.poll() is not None:
                until = min(until, time.monotonic() + _GRACE)
    with suppress(subprocess.TimeoutExpired):
        program.wait(max(0.0, until - time.monotonic()))
    return program.returncode is not None


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
