"""The log of a run: the whole story with remote output, a time on every line, for people and grep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schedgen_ops.events import Event, RunFinished
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.failure import failure_lines, of_finish
from schedgen_ops.ui.files import Appender
from schedgen_ops.ui.journal import stamp
from schedgen_ops.ui.story import Story


class LogFile:
    """The log of a run: what `Story` tells at level debug, in UTC, safe to look at on a terminal.

    Args:
        path: the file, created readable by its owner only.
        complain: told once if the log cannot be written; the run goes on.
    """

    def __init__(self, path: Path, clock: DisplayClock, complain: Callable[[str], None]) -> None:
        self.path = path
        self._file = Appender(path, complain)
        self._story = Story("debug", clock)
        self._now = clock.now

    def handle(self, event: Event) -> None:
        """Write the lines of `event`, with the reason if it is a failed run's last."""
        lines = [line.text for line in self._story.tell(event) if line.kind != "blank"]
        if isinstance(event, RunFinished):
            lines += failure_lines(of_finish(event)) if event.code else ()
        self.lines(*lines)

    def lines(self, *lines: str) -> None:
        """Write `lines`, each with the time."""
        if lines:
            time = stamp(self._now())
            self._file.write("".join(f"{time} {line}\n" for line in lines))

    @property
    def usable(self) -> bool:
        """Whether the file could be opened."""
        return self._file.usable

    def close(self) -> None:
        """Close the file."""
        self._file.close()
