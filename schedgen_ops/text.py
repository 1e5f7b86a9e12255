"""Words that people read: sizes, durations, ages, plurals, and what they meant to write. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import datetime

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SPAN = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?:in)?)?(?:([0-9]+(?:\.[0-9]+)?)s?)?")


def size(count: float) -> str:
    """Return a number of bytes as "512 B", "1.5 KiB", "12.0 MiB"."""
    if count < 0:
        return "-" + size(-count)
    if round(count) < 1024:
        return f"{round(count)} B"
    value = float(count)
    for unit in _UNITS:
        value /= 1024
        if round(value, 1) < 1024 or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("unreachable")


def duration(seconds: float, *, tenths: bool = True) -> str:
    """Return a time span as "1.2 s", "23 s", "1 min 23 s", "2 h 5 min", "3 d 4 h"; negative ones count as 0.

    Args:
        tenths: below 10 s, show tenths; without them a running clock is calmer.
    """
    seconds = max(0.0, seconds)
    if tenths and round(seconds, 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, big: int, big_name: str, small: int, small_name: str) -> str:
    rest = whole % big // small
    return f"{whole // big} {big_name}" + (f" {rest} {small_name}" if rest else "")


def seconds(text: str) -> float:
    """Return the time span that a person wrote: "90", "90s", "10m", "1h30m", "2d".

    Raises:
        ValueError: for anything else.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if not match or not any(match.groups()):
        raise ValueError(f"no time span: {text!r}")
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return days * _DAY + hours * _HOUR + minutes * _MINUTE + rest


def age(then: datetime, now: datetime) -> str:
    """Return how long ago `then` was: "just now", "5 minutes ago", "in 3 hours".

    Raises:
        TypeError: if only one of the two knows its time zone.
    """
    seconds = (now - then).total_seconds()
    if abs(seconds) < _MINUTE:
        return "just now"
    words = _span(int(abs(seconds)))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _span(seconds: int) -> str:
    for limit, unit, name in (
        (_HOUR, _MINUTE, "minute"),
        (_DAY, _HOUR, "hour"),
        (60 * _DAY, _DAY, "day"),
        (730 * _DAY, 30 * _DAY, "month"),
    ):
        if seconds < limit:
            return plural(seconds // unit, name)
    return plural(seconds // (365 * _DAY), "year")


def plural(count: int, one: str, many: str = "") -> str:
    """Return `count` with its noun: "1 file", "2 files"; `many` where the plural is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def amount(value: float, unit: str) -> str:
    """Return a value in a progress event's unit: bytes as a size, seconds as "120s", else "3 images"."""
    if unit == "bytes":
        return size(value)
    number = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    if unit in ("s", "seconds"):
        return f"{value:.0f}s"
    return f"{number} {unit}".rstrip()


def nearest(name: str, known: Collection[str]) -> str:
    """Return which of `known` was meant by a name that is none of them, as likely as not; "" for none."""
    return next(iter(difflib.get_close_matches(name, known, 1)), "")
