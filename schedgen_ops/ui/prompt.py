"""Questions to the operator. Without a terminal there is nobody to ask, and that is an error."""

from __future__ import annotations

from getpass import getpass
from typing import TextIO

from schedgen_ops.errors import ConfigError
from schedgen_ops.shell import Secret
from schedgen_ops.ui.terminal import Writer, printable

_ATTEMPTS = 3


def confirm(question: str, *, stdin: TextIO, out: TextIO, notes: tuple[str, ...] = ()) -> bool:
    """Ask until `yes` or `no` is typed; anything else, three times, is a no.

    Args:
        notes: lines to read before answering.

    Raises:
        ConfigError: if there is no terminal to ask on.
    """
    _require_terminal(stdin, f"No terminal to ask on: {question}", "Pass --yes to go on without being asked.")
    writer = Writer(out)
    writer.lines("", *(printable(note) for note in notes), *([""] if notes else []))
    for _ in range(_ATTEMPTS):
        writer.text(f"{printable(question)} (yes/no): ")
        line = stdin.readline()
        answer = line.strip().lower()
        if answer in ("yes", "no"):
            return answer == "yes"
        if not line:
            writer.lines("")
            return False
        writer.lines("Please type yes or no.")
    return False


def secret(question: str, *, stdin: TextIO, hint: str = "") -> Secret:
    """Ask for a passphrase, which is not echoed.

    Args:
        question: what the prompt says, without its colon.
        hint: how to do without the question, for a run that has no terminal.

    Raises:
        ConfigError: if there is no terminal to ask on.
    """
    _require_terminal(stdin, f"No terminal to ask on: {question}", hint)
    return Secret(getpass(f"{printable(question)}: "))


def _require_terminal(stdin: TextIO, message: str, hint: str) -> None:
    if stdin.closed or not stdin.isatty():
        raise ConfigError(message, hint=hint)
