"""Leaks told from warming up, noise and caches; values over time in bounded memory."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops.watch.figures import median, p95, quantile
from schedgen_ops.watch.leak import Leak, leak, trend
from schedgen_ops.watch.series import MOST, Histogram, Series

MIB = 1024 * 1024
LIMIT = 384 * MIB


def judged(shape: Callable[[float], float], noise: float = 0.0, every: float = 10, rounds: int = 60) -> Leak:
    rng = random.Random(7)
    times = [number * every for number in range(rounds)]
    points = [(at, (80 + shape(at) + rng.gauss(0, noise)) * MIB) for at in times]
    return leak(points, LIMIT, 24)


@pytest.mark.parametrize(
    ("shape", "noise"),
    [
        (lambda t: 2 * t / 10, 0.0),
        (lambda t: 0.05 * t, 3.0),
        (lambda t: 0.05 * t + t % 70 * 0.2, 1.0),
        (lambda t: 0.05 * t + 40 * (1 - math.exp(-t / 60)), 3.0),
    ],
)
def test_memory_that_keeps_growing_is_a_leak(shape: Callable[[float], float], noise: float) -> None:
    found = judged(shape, noise)
    assert found.leaks, str(found)
    assert "reaches its limit in about" in str(found)


@pytest.mark.parametrize(
    ("shape", "noise"),
    [
        (lambda t: 0.0, 3.0),
        (lambda t: 0.0, 0.0),
        (lambda t: t % 90 * 0.2, 1.0),
        (lambda t: 40 * (1 - math.exp(-t / 60)), 1.0),
        (lambda t: -0.05 * t, 1.0),
        (lambda t: 30.0 if t > 300 else 0.0, 1.0),
        (lambda t: 0.005 * t, 0.1),
        (lambda t: 200.0 if t == 590 else 0.0, 1.0),
    ],
    ids=["noise", "flat", "sawtooth", "warming up", "shrinking", "one step", "caches", "a spike at the end"],
)
def test_memory_that_does_not_is_none(shape: Callable[[float], float], noise: float) -> None:
    assert not judged(shape, noise).leaks


def test_a_few_samples_say_nothing() -> None:
    found = judged(lambda t: t, rounds=11)
    assert (found.trend, found.leaks, str(found)) == (None, False, "too few samples to tell")
    assert judged(lambda t: t, every=1, rounds=25).trend is None


def test_a_slow_growth_that_is_far_from_the_limit_is_none() -> None:
    points = [(at * 600.0, (80 + at * 600 * 0.0005) * MIB) for at in range(144)]
    assert not leak(points, LIMIT * 100, 24).leaks
    assert leak(points, None, 24).leaks


@quickly
@given(st.floats(-5, 5), st.floats(0, 1e9), st.integers(12, 300))
def test_the_slope_of_a_line_is_found_exactly(slope: float, start: float, count: int) -> None:
    found = trend([(number * 10.0, start + slope * number * 10) for number in range(count)])
    assert found
    assert found.slope == pytest.approx(slope, abs=1e-4)
    assert found.low <= found.slope <= found.high


@quickly
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_quantiles_are_values_that_were_seen(values: list[float]) -> None:
    assert median(values) in values
    assert p95(values) in values
    assert min(values) <= median(values) <= p95(values) <= max(values)
    assert quantile([5.0], 0.01) == 5.0


@quickly
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=3 * MOST))
def test_a_series_is_bounded_and_keeps_its_extent(values: list[float | None]) -> None:
    series = Series()
    for number, value in enumerate(values):
        series.add(float(number), value)
    assert len(series.points) <= MOST
    known = [value for value in values if value is not None]
    assert (not series.known) == (not known)
    if known:
        assert max(point.most for point in series.points if point.most is not None) == max(known)
        assert series.points[0].at == 0.0


def test_a_long_gap_stays_a_gap() -> None:
    series = Series()
    for number in range(4 * MOST):
        series.add(float(number), None if MOST < number < 2 * MOST else 1.0)
    assert sum(point.mean is None for point in series.points) > MOST / 10


@quickly
@given(st.lists(st.floats(0.0001, 100), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_histogram_tells_quantiles_closely(values: list[float], share: float) -> None:
    assert Histogram(values).quantile(share) == pytest.approx(quantile(values, share), rel=0.03)
    assert Histogram().quantile(0.5) is None
