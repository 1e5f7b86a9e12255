"""One program run on this machine: its output line by line, bounded, and an end that it cannot put off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schedgen_ops import local_program

_KEPT = 256_000


def run(path: Path, given: bytes, deadline: float, on_line: Callable[[str], None]) -> int | None:
    """Run a program and return its exit code, None where it was ended at its deadline.

    Args:
        given: what it reads on stdin; from a file, so that one that reads nothing blocks nobody.
        deadline: seconds.
        on_line: takes what it prints on stdout and stderr.

    Raises:
        OSError: where it cannot be started.
    """
    lines = local_program.OutputLines(on_line, room=_KEPT)
    try:
        return local_program.follow([path], deadline, lines.feed, given=given)
    finally:
        lines.end()
