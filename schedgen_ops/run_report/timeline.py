"""The steps of a run as bars over time, and below each the part that every host had in it. Pure geometry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schedgen_ops.run_report.told import StepTold, Told
from schedgen_ops.text import duration
from schedgen_ops.ui.chart import clock_mark, time_marks

WIDTH, LEFT, RIGHT, TOP = 900, 330, 70, 8
_ROW, _HOST, _LEAST = 24, 16, 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A step, or its part on a host: where it is drawn, in the units of the drawing, and its words."""

    name: str
    state: str
    x: float
    y: float
    width: float
    height: float
    took: str
    is_host: bool = False

    @property
    def base(self) -> float:
        """Where its words stand."""
        return self.y + self.height - (2 if self.is_host else 4)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing: `across` are (position, words) of the time's marks."""

    bars: tuple[Bar, ...]
    across: tuple[tuple[float, str], ...]
    height: float
    width: int = WIDTH


def timeline(run: Told) -> Timeline:
    """Return the drawing of the steps that were begun."""
    seconds = (
        max(run.seconds, *(step.ended for step in run.steps), 1.0) if run.steps else max(run.seconds, 1.0)
    )
    bars = tuple(_bars(run, seconds))
    height = max((bar.y + bar.height for bar in bars), default=TOP) + 28
    marks = tuple((_x(at, seconds), clock_mark(at)) for at in time_marks(seconds))
    return Timeline(bars, marks, height)


def _bars(run: Told, seconds: float) -> Iterator[Bar]:
    y = float(TOP)
    for step in run.steps:
        if step.state == "pending":
            continue
        ended = step.ended if step.state in ("done", "failed") else seconds
        yield _bar(step.named, step.state, (step.begun, ended), y, seconds)
        y += _ROW
        if len(run.hosts) > 1:
            for host, span in _hosts(run, step):
                yield _bar(host, step.state, span, y, seconds, is_host=True)
                y += _HOST


def _hosts(run: Told, step: StepTold) -> Iterator[tuple[str, tuple[float, float]]]:
    """A host's part as it was told, or up to the last that was heard of it."""
    heard = {host: (step.begun, last) for host, (_, last) in step.active.items()} | dict(step.shares)
    return ((host, heard[host]) for host in run.hosts if host in heard)


def _bar(
    name: str, state: str, span: tuple[float, float], y: float, seconds: float, *, is_host: bool = False
) -> Bar:
    begun, ended = span
    x = _x(begun, seconds)
    width = max(_LEAST, round(_x(ended, seconds) - x, 1))
    height = 6 if is_host else 16
    took = duration(max(0.0, ended - begun))
    return Bar(name, state, x, y + (5 if is_host else 4), width, height, took, is_host)


def _x(at: float, seconds: float) -> float:
    share = min(1.0, max(0.0, at / seconds))
    return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)
