"""The journal of a run: one JSON object a line, kept on the operator's machine, and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schedgen_ops.events import (
    Event,
    Fact,
    HostFinished,
    HostMissing,
    Message,
    Output,
    Panel,
    Progress,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
)
from schedgen_ops.ui.encoding import to_json
from schedgen_ops.ui.files import Appender

_NAMES: dict[type[Event], str] = {
    RunStarted: "run.started",
    RunFinished: "run.finished",
    StepStarted: "step.started",
    StepFinished: "step.finished",
    StepFailed: "step.failed",
    Message: "message",
    HostFinished: "host.finished",
    HostMissing: "host.missing",
    Fact: "fact",
    Progress: "progress",
}
# These outlive a power cut as well as a kill: what was begun and what is done must not be in doubt.
_MILESTONES = (RunStarted, RunFinished, StepStarted, StepFinished, StepFailed)
_PROGRESS_EVERY = 1.0


class Journal:
    """The journal of a run, a line an event. Output and panels are left to the log; progress is one a second.

    Args:
        path: the file, created readable by its owner only, in a folder that is the same.
        now: the time with its zone.
        complain: told once if the journal cannot be written; the run goes on.
    """

    def __init__(self, path: Path, now: Callable[[], datetime], complain: Callable[[str], None]) -> None:
        self.path = path
        self._file = Appender(path, complain)
        self._now = now
        self._progress_at: dict[tuple[str, str], float] = {}

    def handle(self, event: Event) -> None:
        """Write the line of `event`."""
        now = self._now()
        if isinstance(event, Output | Panel) or (
            isinstance(event, Progress) and not self._is_due(event, now)
        ):
            return
        self._file.write(to_json(line_of(event, now)) + "\n", sync=isinstance(event, _MILESTONES))

    def _is_due(self, event: Progress, now: datetime) -> bool:
        key, at = (event.host, event.label), now.timestamp()
        is_full = event.total > 0 and event.done >= event.total
        if not is_full and 0 <= at - self._progress_at.get(key, 0) < _PROGRESS_EVERY:
            return False
        self._progress_at[key] = at
        return True

    @property
    def usable(self) -> bool:
        """Whether the file could be opened."""
        return self._file.usable

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def line_of(event: Event, now: datetime) -> dict[str, Any]:
    """Return an event as the journal has it: when, which, and its fields.

    Args:
        now: when it came, with its zone.
    """
    line = {"t": stamp(now), "event": _NAMES.get(type(event), type(event).__name__.lower())}
    return line | {field.name: getattr(event, field.name) for field in fields(event)}


def stamp(now: datetime) -> str:
    """Return the time in UTC with milliseconds: 2024-11-30T14:30:00.000Z."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run_name(command: str, run: str) -> str:
    """Return the name, without suffix, of a run's files: the command, a hyphen, the run."""
    return f"{_file_word(command)}-{re.sub(r'[^A-Za-z0-9._-]+', '_', run)}"


def _file_word(command: str) -> str:
    """A command without hyphens, so that no command's files look like those of a longer one."""
    return re.sub(r"[^A-Za-z0-9._]+", "_", command).lstrip(".") or "run"


def read(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the events of a journal, oldest first. Lines that a crash tore are left out.

    Raises:
        OSError: if the file cannot be read.
    """
    return read_counted(path)[0]


def read_counted(path: Path) -> tuple[tuple[dict[str, Any], ...], int]:
    """Return what `read` does, and how many lines were left out.

    Raises:
        OSError: if the file cannot be read.
    """
    found, foreign = [], 0
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            value = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            foreign += 1
        elif value:
            found.append(value)
    return tuple(found), foreign


def journals(folder: Path, command: str, limit: int = 10) -> tuple[Path, ...]:
    """Return the journals of the last `limit` runs of `command`, newest first; none if there is no folder.

    Args:
        command: what was asked; "" for every command.
    """
    named = _file_word(command) if command else "*"
    found = ((path.stat().st_mtime, path) for path in folder.glob(f"{named}-*.jsonl"))
    return tuple(path for _, path in sorted(found, reverse=True)[:limit])


def step_seconds(paths: Iterable[Path]) -> dict[str, float]:
    """Return how long each step took, by title: the median over the journals in which it ended well."""
    seconds: dict[str, list[float]] = {}
    for path in paths:
        try:
            events = read(path)
        except OSError:
            continue
        for event in events:
            if event.get("event") == "step.finished" and isinstance(event.get("seconds"), int | float):
                seconds.setdefault(str(event.get("title")), []).append(float(event["seconds"]))
    if not seconds:
        return {}
    from statistics import median

    return {title: median(values) for title, values in seconds.items()}


def run_seconds(paths: Iterable[Path]) -> float:
    """Return how long a run took: the median over the journals of those that ended well; 0.0 for none."""
    took: list[float] = []
    for path in paths:
        with suppress(OSError):
            took += (
                float(event["seconds"])
                for event in read(path)
                if event.get("event") == "run.finished"
                and event.get("code") == 0
                and isinstance(event.get("seconds"), int | float)
            )
    if not took:
        return 0.0
    from statistics import median

    return median(took)
