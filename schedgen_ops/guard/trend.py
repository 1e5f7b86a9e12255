"""Whether something grows for sure: a straight line through points, and how far it can be trusted. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

# How many standard errors a slope must be above the limit.
_SURE = 3.0


@dataclass(slots=True)
class Trend:
    """A straight line through points, kept up as they come. Time that runs backwards begins it anew."""

    count: int = 0
    last: float = 0.0
    _x: float = 0.0
    _y: float = 0.0
    _xx: float = 0.0
    _xy: float = 0.0
    _yy: float = 0.0

    def add(self, x: float, y: float) -> None:
        """One more point."""
        if self.count and x <= self.last:
            self.count, self._x, self._y, self._xx, self._xy, self._yy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
        self.last = x
        self.count += 1
        dx, dy = x - self._x, y - self._y
        self._x += dx / self.count
        self._y += dy / self.count
        self._xx += dx * (x - self._x)
        self._xy += dx * (y - self._y)
        self._yy += dy * (y - self._y)

    def low(self) -> float | None:
        """The least slope that is sure enough; None where three points do not make a line yet."""
        if self.count < 3 or self._xx <= 0:
            return None
        slope = self._xy / self._xx
        rest = max(0.0, self._yy - slope * self._xy)
        return slope - _SURE * math.sqrt(rest / (self.count - 2) / self._xx)
