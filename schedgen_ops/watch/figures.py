"""Figures of several samples. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed.

    It is one of them: `statistics.quantiles` gives figures between two, which nobody has seen.

    Args:
        share: from 0 to 1.

    Raises:
        ValueError: without a value.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the value in the middle, the lower one of two.

    Raises:
        ValueError: without a value.
    """
    from statistics import median_low

    return median_low(values)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 % do not exceed.

    Raises:
        ValueError: without a value.
    """
    return quantile(values, 0.95)
