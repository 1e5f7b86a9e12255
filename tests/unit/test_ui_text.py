"""Sizes, durations, ages and plurals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedgen_ops.text import age, amount, duration, plural, seconds, size

NOW = datetime(2024, 11, 30, 14, 30, tzinfo=UTC)
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4, "PiB": 1024**5}
_SPANS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1023.7, "1.0 KiB"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (12 * 1024**2, "12.0 MiB"),
        (3.25 * 1024**3, "3.2 GiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_sizes_read_as_people_write_them(count: float, words: str) -> None:
    assert size(count) == words


@given(st.integers(min_value=0, max_value=1000 * 1024**5))
def test_a_size_is_right_to_its_last_digit_and_never_four_digits_of_a_unit(count: int) -> None:
    number, unit = size(count).split()
    assert abs(float(number) * _UNITS[unit] - count) <= 0.051 * _UNITS[unit]
    assert float(number) < 1024


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0.0 s"),
        (0.04, "0.0 s"),
        (1.23, "1.2 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (83, "1 min 23 s"),
        (3599.6, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (100_000, "1 d 3 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_running_clock_shows_whole_seconds() -> None:
    assert duration(3.7, tenths=False) == "4 s"


@given(st.floats(min_value=0, max_value=10**7))
def test_a_duration_is_never_off_by_more_than_its_smallest_part(seconds: float) -> None:
    parts = re.findall(r"([\d.]+) (s|min|h|d)\b", duration(seconds))
    shown = sum(float(number) * _SPANS[unit] for number, unit in parts)
    assert abs(shown - seconds) <= (0.06 if seconds < 9.9 else 0.51 if seconds < 3599 else 3600)
    assert len(parts) in (1, 2)


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=3, minutes=40), "3 hours ago"),
        (timedelta(days=7), "7 days ago"),
        (timedelta(days=90), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(hours=-2), "in 2 hours"),
    ],
)
def test_ages_are_told_in_one_unit(ago: timedelta, words: str) -> None:
    assert age(NOW - ago, NOW) == words


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=20_000)))
def test_an_age_never_claims_more_than_has_passed(ago: timedelta) -> None:
    words = age(NOW - ago, NOW)
    if words != "just now":
        count, unit, _ = words.split()
        one = {"minute": 1, "hour": 60, "day": 1440, "month": 43_200, "year": 525_600}[unit.rstrip("s")]
        assert timedelta(minutes=int(count) * one) <= ago
        assert (count == "1") == (not unit.endswith("s"))


def test_plurals_agree_with_their_number() -> None:
    assert plural(1, "file") == "1 file"
    assert plural(0, "file") == "0 files"
    assert plural(2_000, "file") == "2,000 files"
    assert plural(2, "copy", "copies") == "2 copies"


def test_progress_amounts_follow_their_unit() -> None:
    assert amount(1536, "bytes") == "1.5 KiB"
    assert amount(120, "seconds") == "120s"
    assert amount(3, "images") == "3 images"
    assert amount(2.5, "") == "2.5"


@given(st.integers(0, 30), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_time_span_is_read_as_it_is_written(days: int, hours: int, minutes: int, rest: int) -> None:
    text = f"{days}d{hours}h{minutes}m{rest}s"
    assert seconds(text) == ((days * 24 + hours) * 60 + minutes) * 60 + rest


@pytest.mark.parametrize(
    ("text", "span"), [("90", 90), ("1.5s", 1.5), ("10m", 600), ("10min", 600), (" 2H ", 7200)]
)
def test_a_time_span_may_be_short(text: str, span: float) -> None:
    assert seconds(text) == span


@pytest.mark.parametrize("text", ["", " ", "m", "-5", "5 apples", "1m1h", "1,5s", "٣m "])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time span"):
        seconds(text)
