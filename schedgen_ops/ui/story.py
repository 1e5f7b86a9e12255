"""Events as the lines of a story, in the form of the runbook. What they look like is for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from schedgen_ops.events import (
    Event,
    HostMissing,
    Message,
    Output,
    Panel,
    Progress,
    RunFinished,
    RunStarted,
    StepFailed,
    StepStarted,
)
from schedgen_ops.text import amount
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.terminal import printable, printable_lines

Kind = Literal["blank", "head", "fact", "info", "warn", "error", "more", "output", "progress"]

LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40}
_KINDS: dict[str, Kind] = {"warn": "warn", "warning": "warn", "error": "error"}

PROGRESS_EVERY = 10.0
"""Seconds between two progress lines of a host, where lines cannot be redrawn."""
BYTES_EVERY = 60.0
"""The same for bytes that move: a file of many gigabytes is no story."""


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line, safe to print. `kind` says how it may be styled."""

    kind: Kind
    text: str


class Story:
    """A teller that turns events into lines.

    Args:
        level: the least level to tell: debug (with remote output), info, warning or error.
        clock: for "Started at", and to space progress lines.
        progress: whether to tell progress; not where a bar is drawn.
    """

    def __init__(
        self,
        level: str,
        clock: DisplayClock,
        *,
        progress: bool = True,
    ) -> None:
        self._level = LEVELS.get(level, LEVELS["info"])
        self._clock = clock
        self._progress = progress
        self._progress_at: dict[str, float] = {}
        self._hosts = 0
        self._last_error = ""
        self._begun = False

    def tell(self, event: Event) -> tuple[StoryLine, ...]:
        """Return the lines for `event`, often none."""
        lines = tuple(self._lines(event))
        self._begun = self._begun or bool(lines)
        return lines

    def _lines(self, event: Event) -> Iterator[StoryLine]:
        match event:
            case RunStarted():
                self._hosts = len(event.hosts)
                yield from self._start(event)
            case StepStarted():
                self._progress_at.clear()
                number = f"Step {event.number}: " if event.number else ""
                yield from self._headline(number + event.title)
            case StepFailed():
                yield from self._error(event.message)
            case Message():
                yield from self._message(event)
            case HostMissing() if not event.alone:
                named = event.message.startswith(event.host)
                yield from self._message(Message("error", event.message, "" if named else event.host))
            case Output() if self._level <= LEVELS["debug"]:
                yield StoryLine("output", f"  {self._where(event.host)}| {printable(event.text)}")
            case Panel() if self._progress:
                yield from self._message(Message("info", event.line, event.host))
            case Progress() if self._progress and self._shows("info") and self._is_due(event):
                yield StoryLine("progress", self._measure(event))
            case RunFinished():
                yield from self._finish(event)

    def _shows(self, level: str) -> bool:
        return self._level <= LEVELS.get(level, LEVELS["info"])

    def _where(self, host: str) -> str:
        return f"{printable(host)} " if host and self._hosts != 1 else ""

    def _headline(self, title: str) -> Iterator[StoryLine]:
        if title and self._shows("info"):
            if self._begun:
                yield StoryLine("blank", "")
            yield StoryLine("head", f"=== {printable(title)} ===")

    def _facts(self, facts: tuple[tuple[str, str], ...]) -> Iterator[StoryLine]:
        if self._shows("info"):
            for label, value in facts:
                yield StoryLine("fact", f"{printable(label)}: {printable(value)}")

    def _start(self, event: RunStarted) -> Iterator[StoryLine]:
        yield from self._headline(event.title)
        yield from self._facts(event.facts)
        if event.title and not any(label == "Started at" for label, _ in event.facts):
            yield from self._facts((("Started at", f"{self._clock.now():%Y-%m-%d %H:%M:%S}"),))

    def _finish(self, event: RunFinished) -> Iterator[StoryLine]:
        yield from self._headline(event.title)
        if event.code == 0 and event.message:
            yield from self._message(Message("info", event.message))
        yield from self._facts(event.facts)

    def _error(self, text: str) -> Iterator[StoryLine]:
        """What an error message has just said is not said again by the step that it ends."""
        if text and text != self._last_error:
            yield from self._message(Message("error", text))

    def _message(self, event: Message) -> Iterator[StoryLine]:
        if not self._shows(event.level):
            return
        kind = _KINDS.get(event.level, "info")
        if kind == "error":
            self._last_error = event.text
        where = self._where(event.host).rstrip()
        first, *more = printable_lines(event.text) or ("",)
        yield StoryLine(kind, f"[{kind.upper()}] {where}{': ' if where else ''}{first}".rstrip())
        for text in more:
            yield StoryLine("more", f"  {text}")

    def _is_due(self, event: Progress) -> bool:
        now = self._clock.monotonic()
        last = self._progress_at.setdefault(event.host, now)
        if now - last < (BYTES_EVERY if event.unit == "bytes" else PROGRESS_EVERY):
            return False
        self._progress_at[event.host] = now
        return True

    def _measure(self, event: Progress) -> str:
        total = f" / {amount(event.total, event.unit)}" if event.total else ""
        label = f" | {printable(event.label)}" if event.label else ""
        return f"  Progress: {self._where(event.host)}{amount(event.done, event.unit)}{total}{label}"
