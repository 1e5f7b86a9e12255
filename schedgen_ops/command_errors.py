"""The errors of a command that failed or took too long, as an operator reads them."""

from __future__ import annotations

import re

from schedgen_ops.errors import CommandFailed, CommandTimedOut
from schedgen_ops.masking import mask, veiled
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

_DETAIL_LINES = 15
_NO_COMPOSE = re.compile(
    r"unknown flag: --(project-name|short)\b|'compose' is not a docker command"
    r"|unknown command: docker compose"
)


def lacks_compose(result: Result) -> bool:
    """Return whether a command failed for want of Compose: docker takes its options for its own then."""
    return not result.ok and bool(_NO_COMPOSE.search(result.stderr))


def checked(command: Command, result: Result, host: str) -> Result:
    """Return `result`, if the command exited with 0.

    Raises:
        CommandFailed: otherwise, with the last lines it printed.
    """
    if result.ok:
        return result
    if lacks_compose(result):
        hint = "Install the package docker-compose-plugin on the host."
        raise CommandFailed("the Docker Compose plugin is missing", code=result.code, hint=hint, host=host)
    raise CommandFailed(
        f"`{brief(command)}` failed with exit code {result.code}",
        code=result.code,
        hint="It was killed; the host may be short of memory" if result.code == 137 else "",
        host=host,
        detail=last_lines(command, result),
    )


def timed_out(command: Command, result: Result, host: str, deadline: float) -> CommandTimedOut:
    """Return the error for a command that its deadline ended."""
    return CommandTimedOut(
        f"`{brief(command)}` was ended after {deadline:g} s",
        code=result.code,
        host=host,
        detail=last_lines(command, result),
    )


def brief(command: Command) -> str:
    """Return the command's title, or the start of its text, on one line."""
    text = " ".join(str(command).split())
    return text if len(text) <= 120 else f"{text[:117]}..."


def last_lines(command: Command, result: Result) -> str:
    """Return the lines that tell why a command failed: the end of stderr, or of stdout without any."""
    said = result.stderr.strip() or ("" if command.private else result.stdout.strip())
    text = mask(command, "\n".join(said.splitlines()[-_DETAIL_LINES:]))
    return veiled(text) if command.private else text
