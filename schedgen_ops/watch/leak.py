"""Whether memory leaks: the slope of its use with a confidence interval, not two points. Pure.

The slope is Theil and Sen's, the median of the slopes between all pairs of points, which a spike does not
move; its interval comes from Kendall's S, widened for values that follow one another (each depends on the one
before, so that many of them say less than as many independent ones).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float]

_Z = 1.96
_MOST = 120
_FEWEST = 12
_SHORTEST = 30.0
# Growth below this is no leak that anybody could tell from caches that fill.
_LEAST_GROWTH = 5 * 1024 * 1024
_SLOWING = 0.5


@dataclass(frozen=True, slots=True)
class Trend:
    """How a value moves, per second: the slope, and where it lies with 95 % confidence.

    Attributes:
        seconds: the time that the points span.
    """

    slope: float
    low: float
    high: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Leak:
    """A container's memory judged.

    Attributes:
        trend: None where there were too few points to tell.
        hours: until the limit is reached, reckoned with the least slope; None where nothing grows.
        leaks: whether it is a leak.
    """

    trend: Trend | None
    hours: float | None
    leaks: bool

    def __str__(self) -> str:
        if self.trend is None:
            return "too few samples to tell"
        mib = [value * 3600 / 1024**2 for value in (self.trend.slope, self.trend.low, self.trend.high)]
        text = f"{mib[0]:+.1f} MiB/h (95 %: {mib[1]:+.1f} to {mib[2]:+.1f})"
        if self.leaks and self.hours is not None:
            return f"{text}, reaches its limit in about {_span(self.hours)}"
        return text


def trend(points: Sequence[Point]) -> Trend | None:
    """The trend of (seconds, value) points in order; None for too few points or too short a time."""
    if len(points) < _FEWEST or points[-1][0] - points[0][0] < _SHORTEST:
        return None
    kept = _thinned(points)
    slopes = sorted(
        (second[1] - first[1]) / (second[0] - first[0])
        for number, first in enumerate(kept)
        for second in kept[number + 1 :]
        if second[0] > first[0]
    )
    if not slopes:
        return None
    count, pairs = len(kept), len(slopes)
    slope = slopes[pairs // 2]
    spread = _Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18 * _dependence(kept, slope))
    low = slopes[max(0, math.floor((pairs - spread) / 2))]
    high = slopes[min(pairs - 1, math.ceil((pairs + spread) / 2))]
    return Trend(slope, low, high, points[-1][0] - points[0][0])


def leak(points: Sequence[Point], limit: float | None, hours: float) -> Leak:
    """Whether memory in use leaks.

    It does if it surely grows, over the whole time and hardly slower in its second half (warming up slows
    down), if that is more than caches that fill, and if it would reach `limit` within `hours`.

    Args:
        points: (seconds, bytes), in order.
        limit: bytes that the container may use; None for no limit, where any lasting growth is a leak.
    """
    whole = trend(points)
    if whole is None:
        return Leak(None, None, False)
    late = trend(points[len(points) // 2 :]) or whole
    grows = min(whole.low, late.low)
    if grows <= 0 or late.high < _SLOWING * whole.slope:
        return Leak(whole, None, False)
    left = None if limit is None else max(0.0, limit - points[-1][1]) / grows / 3600
    enough = grows * whole.seconds >= _LEAST_GROWTH
    return Leak(whole, left, enough and (left is None or left <= hours))


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most `_MOST` points: means of neighbours."""
    if len(points) <= _MOST:
        return points
    edges = [round(number * len(points) / _MOST) for number in range(_MOST + 1)]
    groups = (points[first:last] for first, last in itertools.pairwise(edges))
    return [(sum(p[0] for p in g) / len(g), sum(p[1] for p in g) / len(g)) for g in groups]


def _dependence(points: Sequence[Point], slope: float) -> float:
    """By what factor dependence on the value before widens the variance."""
    rest = [value - slope * at for at, value in points]
    mean = sum(rest) / len(rest)
    offs = [value - mean for value in rest]
    whole = sum(value * value for value in offs)
    if not whole:
        return 1.0
    share = sum(a * b for a, b in itertools.pairwise(offs)) / whole
    share = min(0.9, max(0.0, share))
    return (1 + share) / (1 - share)


def _span(hours: float) -> str:
    if hours < 1:
        return f"{max(1, round(hours * 60))} min"
    return f"{hours:.1f} h" if hours < 10 else f"{hours:.0f} h"
