"""How the lab tells what it does. ui/lab.py prints it; tests may pass `Silent`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Line = Callable[[str], None]


class Progress(Protocol):
    """Receives what happens."""

    def say(self, text: str) -> None:
        """A line that stays."""

    def step(self, title: str) -> AbstractContextManager[Line]:
        """Something that takes a while; what it yields takes the output of the programs at work."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Ignore `text`."""

    @contextmanager
    def step(self, title: str) -> Iterator[Line]:  # noqa: ARG002
        """Ignore `title`, and the lines."""
        yield lambda _line: None
