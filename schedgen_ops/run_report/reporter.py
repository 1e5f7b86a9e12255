"""Keeps what a run tells until it is over, and leaves the report of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from schedgen_ops.events import Event, Output, Panel, Progress, RunStarted
from schedgen_ops.run_report.team import TeamTold
from schedgen_ops.ui.journal import line_of

_WITH_A_REPORT_OF_ITS_OWN = ("verify",)


class Reporter:
    """The listener of one run that writes its report when all is over.

    Args:
        journal: gives the path of the run's journal, which the report lies beside.
        now: the time with its zone.
    """

    def __init__(self, journal: Callable[[], Path | None], now: Callable[[], datetime]) -> None:
        self._journal = journal
        self._now = now
        self._lines: list[Mapping[str, Any]] = []
        self._reports = False

    def handle(self, event: Event) -> None:
        """Keep an event of a run that has a report, unless it is one of those that come by the thousand."""
        if isinstance(event, RunStarted):
            self._reports = event.command not in _WITH_A_REPORT_OF_ITS_OWN
        if self._reports and not isinstance(event, Output | Panel | Progress):
            self._lines.append(line_of(event, self._now()))

    def write(self, team: TeamTold) -> Path | None:
        """Write the report and return where it is; None for a run that has none.

        Raises:
            OSError: where it cannot be written.
        """
        journal = self._journal()
        if journal is None or not self._reports:
            return None
        from schedgen_ops.run_report import files

        return files.write(self._lines, journal, team)
