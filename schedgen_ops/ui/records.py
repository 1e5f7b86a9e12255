"""What a run leaves on the operator's machine: its log and its journal, side by side in one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schedgen_ops.events import Event, RunStarted
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.journal import Journal, run_name
from schedgen_ops.ui.logfile import LogFile
from schedgen_ops.ui.terminal import printable


class Records:
    """The files of a run, opened when the run gets its name; they keep what came before as well.

    Args:
        folder: where they go; None keeps nothing.
        complain: takes the sentence about a file that cannot be written.
    """

    def __init__(self, folder: Path | None, clock: DisplayClock, complain: Callable[[str], None]) -> None:
        self._folder = folder
        self._clock = clock
        self._complain = complain
        self._early: list[Event] = []
        self._log: LogFile | None = None
        self._journal: Journal | None = None

    @property
    def log_path(self) -> Path | None:
        """The log, if there is one."""
        return self._log.path if self._log and self._log.usable else None

    @property
    def journal_path(self) -> Path | None:
        """The journal, if there is one."""
        return self._journal.path if self._journal and self._journal.usable else None

    def handle(self, event: Event) -> None:
        """Keep `event`."""
        if self._folder is None:
            return
        if self._log is None and isinstance(event, RunStarted):
            self._open(self._folder / run_name(event.command, event.run))
        self._early.append(event)
        if self._log and self._journal:
            for kept in self._early:
                self._log.handle(kept)
                self._journal.handle(kept)
            self._early.clear()

    def _open(self, named: Path) -> None:
        base = _own(named)
        self._log = LogFile(base.with_name(base.name + ".log"), self._clock, self._complain)
        self._journal = Journal(base.with_name(base.name + ".jsonl"), self._clock.now, self._complain)

    def note(self, *lines: str) -> None:
        """Write lines to the log alone."""
        if self._log:
            self._log.lines(*map(printable, lines))

    def close(self) -> None:
        """Close the files."""
        for file in (self._log, self._journal):
            if file:
                file.close()


def _own(base: Path) -> Path:
    """`base`, or with a number behind it where another run of the same second has that name."""
    numbered = (base.with_name(f"{base.name}-{number}") for number in range(2, 100))
    for path in (base, *numbered):
        journal = path.with_name(path.name + ".jsonl")
        try:
            journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            journal.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            continue
        except OSError:
            # The files themselves tell why, once.
            break
        return path
    return base
