"""Values over time in bounded memory: the longer it gets, the coarser the points. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 480


@dataclass(frozen=True, slots=True)
class Point:
    """Some neighbouring values as one: when the first was, their mean and their greatest; None for a gap."""

    at: float
    mean: float | None
    most: float | None


class Series:
    """A line of points; two neighbours become one wherever there would be more than `MOST`."""

    __slots__ = ("_count", "_pending", "_points", "_size", "last")

    def __init__(self) -> None:
        self.last: float | None = None
        self._points: list[Point] = []
        self._size = 1
        self._pending: Point | None = None
        self._count = 0

    def add(self, at: float, value: float | None) -> None:
        """The value at a moment, in seconds; None where it is not known."""
        self.last = value
        new = Point(at, value, value)
        self._pending = new if self._pending is None else _joined(self._pending, new, self._count)
        self._count += 1
        if self._count < self._size:
            return
        self._points.append(self._pending)
        self._pending, self._count = None, 0
        if len(self._points) >= MOST:
            pairs = zip(self._points[::2], self._points[1::2], strict=False)
            self._points = [_joined(first, second, 1) for first, second in pairs]
            self._size *= 2

    @property
    def points(self) -> tuple[Point, ...]:
        """All of it."""
        return (*self._points, self._pending) if self._pending else tuple(self._points)

    @property
    def known(self) -> list[tuple[float, float]]:
        """When and what, gaps left out."""
        return [(point.at, point.mean) for point in self.points if point.mean is not None]


def _joined(first: Point, second: Point, weight: int) -> Point:
    if second.mean is None or second.most is None:
        return first
    if first.mean is None or first.most is None:
        return Point(first.at, second.mean, second.most)
    mean = (first.mean * weight + second.mean) / (weight + 1)
    return Point(first.at, mean, max(first.most, second.most))


class Histogram:
    """Counts of times in seconds, fine enough for quantiles within 3 %, whatever their number."""

    __slots__ = ("_counts", "total")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self.total = 0
        self._counts: dict[int, int] = {}
        for value in values:
            self.add(value)

    def add(self, value: float) -> None:
        """One more."""
        step = round(math.log(max(value, 1e-6)) / math.log(1.05))
        self._counts[step] = self._counts.get(step, 0) + 1
        self.total += 1

    def quantile(self, share: float) -> float | None:
        """The time that `share` of them do not exceed; None without any."""
        seen, wanted = 0, share * self.total
        for step in sorted(self._counts):
            seen += self._counts[step]
            if seen >= wanted:
                return math.exp(step * math.log(1.05))
        return None
