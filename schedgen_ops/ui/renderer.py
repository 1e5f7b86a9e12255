"""What shows a run, and what takes over should it break."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from schedgen_ops.events import Event
from schedgen_ops.ui.failure import Failure
from schedgen_ops.ui.tables import Table


class Renderer(Protocol):
    """What shows a run: plain lines, a live view, or a JSON document. Called by one thread at a time."""

    log: Path | None

    def handle(self, event: Event) -> None: ...
    def fail(self, failure: Failure) -> None: ...
    def show(self, table: Table) -> None: ...
    def aside(self, text: str) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def left(self, name: str, path: Path) -> None: ...
    def close(self) -> None: ...


class Unbroken:
    """A renderer that gives way to another one when it breaks: no display stops a deploy.

    Attributes:
        now: the one that shows the run.
    """

    def __init__(
        self, first: Renderer, fallback: Callable[[], Renderer] | None, tell: Callable[[str], None]
    ) -> None:
        """Begin with a renderer.

        Args:
            fallback: makes the one that takes over; None lets the first one's error through.
            tell: is told, once the other one shows the run, why.
        """
        self.now = first
        self._fallback = fallback
        self._tell = tell

    def do(self, action: Callable[[Renderer], None]) -> None:
        """Do it; if the display breaks, do it once more in the plain form, and stay there."""
        try:
            action(self.now)
        except Exception as error:
            if self._fallback is None:
                raise
            self._fall_back(self._fallback, error)
            action(self.now)

    def _fall_back(self, fallback: Callable[[], Renderer], error: Exception) -> None:
        broken, self.now = self.now, fallback()
        self._fallback = None
        self.now.log = broken.log
        with suppress(Exception):
            broken.close()
        self._tell(f"The live view failed ({type(error).__name__}: {error}); going on in plain lines")
