"""Time, injected so that tests need none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a run knows of time. Deadlines and durations use `monotonic`, names and records `now`."""

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Shifted:
    """The time of day of somebody whose clock is `seconds` ahead of this machine's."""

    clock: Clock
    seconds: float

    def now(self) -> datetime:
        """Return the time of day there, in UTC."""
        return self.clock.now() + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return self.clock.monotonic()


def elapsed() -> float:
    """Return seconds since some moment, those included in which the machine slept, where it can tell.

    What somebody else counts goes on while a laptop sleeps; `monotonic` stands still then on most systems.
    """
    # macOS has no CLOCK_BOOTTIME, and its CLOCK_MONOTONIC counts sleep, as Linux's does not.
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        number: int | None = getattr(time, name, None)
        if number is not None:
            return time.clock_gettime(number)
    return time.monotonic()


def stamp(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """Return a time that RFC 3339 tells; None where it is none, or has no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
