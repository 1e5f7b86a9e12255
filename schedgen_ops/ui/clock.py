"""The two times that a display needs, injected so that tests can say what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DisplayClock:
    """`now` is the local time with its zone; `monotonic` counts seconds and never jumps."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


def local_time() -> datetime:
    """Return the time with the zone of this machine."""
    return datetime.now().astimezone()
