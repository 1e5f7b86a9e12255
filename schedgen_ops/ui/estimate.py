"""How long the rest of a run may take, from what its steps took before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.text import duration
from schedgen_ops.ui.board import Board, BoardStep


@dataclass(frozen=True, slots=True)
class Remaining:
    """Seconds left; `whole` is false if some step to come was never timed."""

    seconds: float
    whole: bool


def remaining(board: Board, known: Mapping[str, float], now: float) -> Remaining | None:
    """Return what is left at `now`, or None where nothing to come was ever timed.

    Args:
        known: seconds that a step took in earlier runs, by title.
        now: seconds on the monotonic clock.
    """
    left = tuple(step for step in board.steps if step.state in ("pending", "running"))
    timed = tuple(step for step in left if step.title in known)
    if not timed:
        return None
    return Remaining(sum(_left(step, known[step.title], now) for step in timed), len(timed) == len(left))


def _left(step: BoardStep, usual: float, now: float) -> float:
    return max(0.0, usual - (now - step.started)) if step.state == "running" else usual


def words(left: Remaining | None) -> str:
    """Return the rest of a run in words; "" if nothing can be said."""
    if left is None:
        return ""
    if left.seconds < 1:
        return "almost done" if left.whole else ""
    return f"{'about' if left.whole else 'at least'} {rough(left.seconds)} left"


def rough(seconds: float) -> str:
    """Return seconds as precisely as an estimate deserves: to 5 s under a minute, then 15 s, then minutes."""
    step = 1 if seconds < 10 else 5 if seconds < 60 else 15 if seconds < 300 else 60
    whole = max(1, round(seconds / step) * step)
    return f"{whole} s" if whole < 10 else duration(whole)
