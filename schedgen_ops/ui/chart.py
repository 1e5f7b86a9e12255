"""Lines over time as SVG paths: the geometry, so that a page needs no library to draw them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 180
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 24
_COLOURS = 8

Values = Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class ChartLine:
    """Values to draw: (seconds, value) in order, None for a gap."""

    name: str
    values: Values


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as SVG takes it.

    Attributes:
        colour: a number that the page has a colour for.
        path: the path's data; "" where nothing is known.
        points: (x, y, value, seconds) of every known value, for who points at it.
    """

    name: str
    colour: int
    path: str
    points: tuple[tuple[float, float, float, float], ...]
    last: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as the page draws it: marks are (position, words)."""

    title: str
    unit: str
    lines: tuple[Drawn, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    limit: float | None
    limit_text: str
    gaps: tuple[tuple[float, float], ...]

    @property
    def width(self) -> int:
        """The width of the drawing, in its own units, as is `height`."""
        return WIDTH

    @property
    def height(self) -> int:
        """The height of the drawing, in its own units."""
        return HEIGHT


def chart(
    title: str,
    unit: str,
    lines: Sequence[ChartLine],
    *,
    seconds: float,
    limit: float | None = None,
    most: float = math.inf,
    blind: Values = (),
) -> Chart:
    """Return the chart of lines over `seconds`.

    Args:
        limit: drawn where it is near what the lines reach.
        most: the greatest value there can be.
        blind: a line whose gaps are times in which nobody looked.
    """
    known = [value for line in lines for _, value in line.values if value is not None]
    high = max(known, default=1.0) or 1.0
    near = limit is not None and limit <= 2 * high
    top = min(most, _round_up(max(high * 1.05, limit if near and limit is not None else 0.0)))
    seconds = max(seconds, 1.0)

    def x(at: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, at / seconds), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)

    drawn = []
    for number, line in enumerate(lines):
        points = tuple((x(at), y(v), v, at) for at, v in line.values if v is not None)
        last = next((f"{v:.3g}" for _, v in reversed(line.values) if v is not None), "?")
        path = "".join(_path((x(at), None if v is None else y(v)) for at, v in line.values))
        drawn.append(Drawn(line.name, number % _COLOURS, path, points, last))
    return Chart(
        title=title,
        unit=unit,
        lines=tuple(drawn),
        across=tuple((x(at), clock_mark(at)) for at in time_marks(seconds)),
        up=tuple((y(top * part / 4), f"{top * part / 4:.4g}") for part in range(5)),
        limit=y(limit) if near and limit is not None else None,
        limit_text="" if limit is None else f"limit {limit:g} {unit}",
        gaps=tuple((x(a), x(b)) for a, b in _gaps(blind, seconds)),
    )


def _path(points: Iterator[tuple[float, float | None]]) -> Iterator[str]:
    pen = "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        # A value between two gaps is a dot: a line of no length, with round ends.
        yield f"M{x:g} {y:g}h0" if pen == "M" else f"L{x:g} {y:g}"
        pen = "L"


def _gaps(values: Values, seconds: float) -> Iterator[tuple[float, float]]:
    """From and to, where nothing is known."""
    begun: float | None = None
    for at, value in values:
        if value is None and begun is None:
            begun = at
        elif value is not None and begun is not None:
            yield begun, at
            begun = None
    if begun is not None:
        yield begun, seconds


def _round_up(value: float) -> float:
    """A round number that is at least `value`."""
    value = max(value, 1e-9)
    scale = 10.0 ** math.floor(math.log10(value))
    return next(step * scale for step in (1, 2, 4, 5, 8, 10) if step * scale >= value * 0.999999)


def time_marks(seconds: float) -> tuple[float, ...]:
    """Return the moments below a chart of so many seconds that get words."""
    steps = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((step for step in steps if seconds / step <= 8), 86400)
    return tuple(float(at) for at in range(0, int(seconds) + 1, step))


def clock_mark(seconds: float) -> str:
    """Return a moment of a chart in words: "30 s", "1:30", "2:05 h"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d} h"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"
