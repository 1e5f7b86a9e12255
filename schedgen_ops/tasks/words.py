"""Words that a task takes as they stand: `inv logs backend frontend`."""

from __future__ import annotations

import sys
from typing import Any

from invoke.parser.argument import Argument
from invoke.program import Program
from invoke.tasks import Task

# Invoke's own functions that ask whether a word on the command line is still wanted.
_PLACING = ("handle", "see_positional_arg")
_FRAMES = 5


class Words(Argument):
    """An argument that takes any number of words, none too.

    Invoke has arguments without a name only where exactly one word must come: those whose value is None. So
    this one is None as long as Invoke has a word in its hand that is no option, and what it has got else.
    """

    def __init__(self, name: str, help: str | None) -> None:
        super().__init__(name=name, help=help, positional=True)
        self._words: tuple[str, ...] = ()

    @property
    def value(self) -> Any:
        """The words so far; None where Invoke asks whether it wants one more."""
        return None if _word_in_hand() else self._words

    @value.setter
    def value(self, word: str) -> None:
        self.raw_value = word
        self._words += tuple(word.split(","))


def _word_in_hand() -> bool:
    frame = sys._getframe(2)
    for _ in range(_FRAMES):
        if frame.f_code.co_name in _PLACING and frame.f_globals["__name__"].startswith("invoke."):
            token = frame.f_locals.get("token", frame.f_locals.get("value", ""))
            return not str(token).startswith("-")
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def behind_dashes() -> tuple[str, ...]:
    """Return the words behind `--` on the command line that runs, each as it was typed.

    Invoke joins them with spaces, so that they cannot be told apart again, and keeps the line in its Program.
    """
    frame = sys._getframe(1)
    while not isinstance(program := frame.f_locals.get("self"), Program):
        if frame.f_back is None:
            return ()
        frame = frame.f_back
    line = list(program.argv)
    return tuple(line[line.index("--") + 1 :]) if "--" in line else ()


class WordsTask(Task[Any]):
    """A task that may have a parameter, `words`, which takes the words behind its name."""

    def __init__(self, *args: Any, words: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._words = words

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Return its arguments, those words first."""
        args = super().get_arguments(ignore_unknown_help)
        own = [Words(self._words, arg.help) for arg in args if arg.name == self._words]
        return [*own, *(arg for arg in args if arg.name != self._words)]
