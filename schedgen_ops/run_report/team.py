"""What became of the messages to the team, as a report takes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Announced:
    """A message to the team: to how many receivers it went, and why some did not get it, in sentences."""

    receivers: int = 0
    undelivered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TeamTold:
    """What the team was told of a run: that it started, and how it ended."""

    start: Announced = Announced()
    end: Announced = Announced()


NOBODY = TeamTold()
