"""How the lab tells what it does. ui/lab.py prints it; tests may pass `Silent`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Line = Callable[[str], None]


class LabProgress(Protocol):
    """A receiver of what happens."""

    def say(self, text: str) -> None:
        """Tell a line that stays."""

    def step(self, title: str) -> AbstractContextManager[Line]:
        """Tell of something that takes a while; what it yields takes the output of the programs at work."""


class Silent:
    """A progress that says nothing."""

    def say(self, text: str) -> None:
        """Ignore `text`."""

    @contextmanager
    def step(self, title: str) -> Iterator[Line]:  # noqa: ARG002
        """Ignore `title`, and the lines."""
        yield lambda _line: None
