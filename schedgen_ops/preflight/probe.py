"""What a look at a host is made of: a command, a judge of its answer, the problems it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

Judge = Callable[[Result], Iterator["Problem"]]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be. A problem that does not refuse is a warning.

    Attributes:
        unknown: whether it is that something could not be found out.
        passing: whether it may be over in a moment, without anybody's doing: what is busy now.
    """

    text: str
    hint: str = ""
    refuses: bool = True
    unknown: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at: a command, and what its answer means."""

    command: Command
    judge: Judge


def unknown(what: str, result: Result) -> Problem:
    """Return a warning that something could not be found out: that is no pass."""
    return Problem(f"{what} is not known: {reason(result)}", refuses=False, unknown=True)


def reason(result: Result) -> str:
    """Return why a command failed, by the last line that it said."""
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    return lines[-1] if lines else f"exit code {result.code}"


def listed(lines: Sequence[str], most: int = 10) -> str:
    """Return some of `lines`, one below the other, and how many more there are."""
    more = [f"  ... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([f"  {line}" for line in lines[:most]] + more)
