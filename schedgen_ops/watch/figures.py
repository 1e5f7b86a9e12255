"""Figures of several samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed.

    Raises:
        ValueError: without a value.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def median(values: Sequence[float]) -> float:
    """The value in the middle.

    Raises:
        ValueError: without a value.
    """
    return quantile(values, 0.5)


def p95(values: Sequence[float]) -> float:
    """The value that 95 % do not exceed.

    Raises:
        ValueError: without a value.
    """
    return quantile(values, 0.95)
