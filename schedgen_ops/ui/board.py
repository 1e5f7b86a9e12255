"""What the live view knows: a frozen value that each event turns into the next one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    StepFinished,
    StepStarted,
)

TAIL = 5
"""Lines of remote output that stay in view."""

MARKS = 12
"""Reports that a rate is reckoned from: what was long ago says little of now."""

_GRAVITY = ("", "debug", "info", "warn", "error")

State = Literal["pending", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class BoardStep:
    """A step as shown. `started` is on the monotonic clock; `seconds` is set when it has ended."""

    number: str
    title: str
    state: State = "pending"
    started: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HostLine:
    """What a host said last, and the gravest level of all it said in the step."""

    host: str
    level: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Something measured, as it was last told.

    Attributes:
        marks: (seconds on the monotonic clock, amount done) of the last reports, oldest first.
    """

    told: Progress
    marks: tuple[tuple[float, float], ...] = ()

    @property
    def rate(self) -> float:
        """The units a second over the last reports; 0 where that cannot be told yet."""
        (began, first), (ended, last) = self.marks[0], self.marks[-1]
        return max(0.0, last - first) / (ended - began) if ended > began else 0.0

    def left(self, now: float) -> float | None:
        """Return the seconds until it is all done, at this rate; None where that cannot be told."""
        if not self.told.total or not self.rate:
            return None
        return max(0.0, (self.told.total - self.told.done) / self.rate - (now - self.marks[-1][0]))


@dataclass(frozen=True, slots=True)
class Board:
    """The state of a run."""

    started: float = 0.0
    steps: tuple[BoardStep, ...] = ()
    hosts: tuple[HostLine, ...] = ()
    tail: tuple[Output, ...] = ()
    bars: tuple[Bar, ...] = ()
    panels: tuple[Panel, ...] = ()
    finished: RunFinished | None = None

    @property
    def many(self) -> bool:
        """Whether the host of a line needs to be named."""
        return len(self.hosts) > 1


def advance(board: Board, event: Event, now: float) -> Board:  # noqa: PLR0911 - one return an event
    """Return the board after `event`, which came at `now` on the monotonic clock."""
    match event:
        case RunStarted():
            steps = tuple(BoardStep(number, title) for number, title in event.steps)
            return Board(now, steps, tuple(HostLine(host) for host in event.hosts))
        case StepStarted():
            hosts = tuple(HostLine(line.host) for line in board.hosts)
            board = replace(board, hosts=hosts, tail=(), bars=_beside(board, event))
            return _put(board, BoardStep(event.number, event.title, "running", now))
        case StepFinished():
            return _put(replace(board, tail=(), bars=_beside(board, event)), _ended(event, "done"))
        case StepFailed():
            return _put(replace(board, bars=()), _ended(event, "failed"))
        case Message():
            return replace(board, hosts=tuple(_heard(line, event) for line in board.hosts))
        case HostMissing(host=host, message=text):
            said = Message("error", text, host)
            return replace(board, hosts=tuple(_heard(line, said) for line in board.hosts))
        case Output():
            return replace(board, tail=(*board.tail, event)[-TAIL:])
        case Panel():
            others = tuple(panel for panel in board.panels if panel.host != event.host)
            panels = sorted((*others, event), key=lambda panel: panel.host)
            return replace(board, panels=tuple(panels))
        case Progress():
            return replace(board, bars=_measured(board.bars, event, now))
        case RunFinished():
            return replace(board, finished=event, bars=())
        case _:
            return board


def _beside(board: Board, event: StepStarted | StepFinished) -> tuple[Bar, ...]:
    """The bars that stay: those of a step that runs beside this one, for all that is known."""
    others = (step for step in board.steps if (step.number, step.title) != (event.number, event.title))
    return board.bars if any(step.state == "running" for step in others) else ()


def _ended(event: StepFinished | StepFailed, state: State) -> BoardStep:
    return BoardStep(event.number, event.title, state, seconds=event.seconds)


def _put(board: Board, step: BoardStep) -> Board:
    """Put `step` in its place, or at the end if nobody announced it."""
    key = (step.number, step.title)
    if any((old.number, old.title) == key for old in board.steps):
        return replace(
            board, steps=tuple(step if (old.number, old.title) == key else old for old in board.steps)
        )
    return replace(board, steps=(*board.steps, step))


def _heard(line: HostLine, event: Message) -> HostLine:
    if event.host != line.host:
        return line
    return HostLine(line.host, max(line.level, event.level, key=_GRAVITY.index), event.text)


def _measured(bars: tuple[Bar, ...], event: Progress, now: float) -> tuple[Bar, ...]:
    """One bar for each thing measured; a full one leaves."""
    key = (event.host, event.label)
    place = next((i for i, bar in enumerate(bars) if (bar.told.host, bar.told.label) == key), len(bars))
    marks = bars[place].marks if place < len(bars) else ()
    full = bool(event.total) and event.done >= event.total
    bar = Bar(event, (*marks, (now, event.done))[-MARKS:])
    return (*bars[:place], *(() if full else (bar,)), *bars[place + 1 :])
