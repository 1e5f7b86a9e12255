"""Commands that run on a host at the same time, in one script, and their answers read back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schedgen_ops.host_scripts import library
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, call, sh

_NEWLINE = "\x1f"
_LATE = 124


def together(commands: Sequence[Command], limit: float) -> Command:
    """Return one command that runs others at the same time; `results` reads what it prints.

    What several begin with, see `Command.shared`, is run once for all of them.

    Args:
        limit: seconds after which those that still run are ended.

    Raises:
        ValueError: for a command that reads stdin, or has secrets: they would share it.
    """
    if any(command.stdin is not None or command.secrets for command in commands):
        raise ValueError("a command that runs beside others cannot read stdin")
    words = (word for pair in _started(commands) for word in pair)
    return call(library("parallel"), "together", f"{limit:g}", *words, title="checks")


def _started(commands: Sequence[Command]) -> Iterator[tuple[str, str]]:
    """The number and the text of each command; "" and one text for those that begin with the same."""
    alike: dict[str, list[str]] = {}
    for number, command in enumerate(commands):
        if command.shared:
            job = sh("job", str(number), command.text.removeprefix(command.shared))
            alike.setdefault(command.shared, []).append(f"{job.text} &")
        else:
            yield str(number), command.text
    for shared, jobs in alike.items():
        yield "", "\n".join((f"{{ {shared}", "} > /dev/null", *jobs, "wait"))


def results(stdout: str, count: int, limit: float) -> tuple[Result, ...]:
    """Return how each of `count` commands ended; one that did not end has exit code 124 and says so."""
    pieces: list[dict[str, list[str]]] = [{"out": [], "err": []} for _ in range(count)]
    ends: list[tuple[int, float] | None] = [None] * count
    for line in stdout.split("\n"):
        match line.split(" ", 2):
            case [number, ("out" | "err") as stream, text] if number.isdigit() and int(number) < count:
                pieces[int(number)][stream].append(text)
            case [number, "end", text] if number.isdigit() and int(number) < count:
                code, _, micros = text.partition(" ")
                ends[int(number)] = (int(code), int(micros) / 1e6)
    late = (f"did not end within {limit:g} s",)
    return tuple(
        Result(_text(said["out"]), _text(said["err"]), *end)
        if end
        else Result(_text(said["out"]), _text([*said["err"], *late]), _LATE, limit)
        for said, end in zip(pieces, ends, strict=True)
    )


def _text(pieces: Sequence[str]) -> str:
    return "".join(pieces).replace(_NEWLINE, "\n")
