"""The plain form: the story on stdout, what ended it on stderr. For pipes, CI and simple terminals."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from schedgen_ops.events import Event, RunFinished
from schedgen_ops.ui.failure import Failure, failure_lines
from schedgen_ops.ui.story import Story
from schedgen_ops.ui.tables import Table, plain_lines
from schedgen_ops.ui.terminal import Writer


class Plain:
    """A face that prints each event's lines as they come.

    Args:
        out: takes the story.
        err: takes the final block of a failure, and asides about the tool itself.
    """

    log: Path | None = None

    def __init__(self, out: TextIO, err: TextIO, story: Story) -> None:
        self._out = Writer(out)
        self._err = Writer(err)
        self._story = story

    def handle(self, event: Event) -> None:
        """Print the lines of `event`."""
        self._out.lines(*(line.text for line in self._story.tell(event)))
        if isinstance(event, RunFinished) and event.code == 0:
            self._end(event)

    def _end(self, event: RunFinished) -> None:
        if event.hint:
            self._out.lines(f"Next: {event.hint}")
        if self.log and event.title:
            self._out.lines(f"Log: {self.log}")

    def fail(self, failure: Failure) -> None:
        """Print what ended the run."""
        self._err.lines("", *failure_lines(failure, self.log))

    def show(self, table: Table) -> None:
        """Print a table in aligned columns."""
        self._out.lines(*plain_lines(table))

    def aside(self, text: str) -> None:
        """Print a warning about the tool itself."""
        self._err.lines(f"[WARN] {text}")

    def left(self, name: str, path: Path) -> None:
        """Print where a file is that the run leaves."""
        self._out.lines(f"{name}: {path}")

    def pause(self) -> None:
        """Do nothing: nothing is redrawn, so a question can be asked at any time."""

    def resume(self) -> None:
        """Do nothing, as `pause`."""

    def close(self) -> None:
        """Do nothing: nothing is held back."""
