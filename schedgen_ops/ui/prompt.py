"""Questions to the operator. Without a terminal there is nobody to ask, and that is an error."""

from __future__ import annotations

import os
import select
import termios
from collections.abc import Callable, Sequence
from getpass import getpass
from typing import TextIO

from schedgen_ops.errors import ConfigError
from schedgen_ops.shell import Secret
from schedgen_ops.ui.terminal import Writer, printable

_ATTEMPTS = 3
# Seconds between two looks at whether a question still matters.
_LOOK = 0.2


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


def choose(question: str, options: Sequence[str], *, stdin: TextIO, out: TextIO) -> str:
    """Ask until one of the options is typed, or its number; "" for none of them, and after three times."""
    writer = Writer(out)
    writer.lines("", printable(question))
    writer.lines(*(f"  {number}  {printable(option)}" for number, option in enumerate(options, 1)))
    for _ in range(_ATTEMPTS):
        writer.text(f"1 to {len(options)}, or Enter to leave it open: ")
        line = stdin.readline()
        answer = line.strip()
        if answer in options:
            return answer
        if answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(options):
            return options[int(answer) - 1]
        if not answer:
            writer.lines(*([] if line else [""]))
            return ""
    return ""


def interject(question: str, *, stdin: TextIO, out: TextIO, over: Callable[[], bool]) -> bool:
    """Return whether `y` is typed while something else goes on; a terminal that is gone says no."""
    writer = Writer(out)
    try:
        # What was typed before is no answer.
        termios.tcflush(stdin.fileno(), termios.TCIFLUSH)
        writer.text(f"\n{printable(question)} [y/N] ")
        while not over():
            if select.select([stdin.fileno()], [], [], _LOOK)[0]:
                return os.read(stdin.fileno(), 1024).strip().lower() in (b"y", b"yes")
    except (OSError, ValueError, termios.error):
        return False
    writer.lines("")
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


def has_terminal(stdin: TextIO) -> bool:
    """Return whether there is somebody to ask."""
    return not stdin.closed and stdin.isatty()


def _require_terminal(stdin: TextIO, message: str, hint: str) -> None:
    if not has_terminal(stdin):
        raise ConfigError(message, hint=hint)
