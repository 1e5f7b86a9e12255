"""How many rounds of a watch went well: the figures of its progress line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schedgen_ops.settings import Limits
from schedgen_ops.watch import rules
from schedgen_ops.watch.rules import CheckVerdict, Finding

# Seconds of rounds in a row that a slow host may leave out.
SLACK = 120


@dataclass(frozen=True, slots=True)
class RoundStats:
    """What the rounds so far have shown.

    Attributes:
        duration, interval: in seconds, as asked for.
        checks: rounds that were judged; `failures` of them had a check that did not pass.
        unknown: rounds that nobody saw, or that could not be judged.
        seen: rounds of the schedule that are over; some were left out where a host was slow.
        consecutive: failed rounds in a row, up to now; `worst` is the longest such row.
        last: what did not pass in the latest failed round.
    """

    duration: int
    interval: int
    checks: int = 0
    failures: int = 0
    unknown: int = 0
    seen: int = 0
    consecutive: int = 0
    worst: int = 0
    last: tuple[Finding, ...] = ()

    @property
    def planned(self) -> int:
        """How many rounds the duration holds."""
        return max(1, self.duration // self.interval)

    @property
    def percent(self) -> float:
        """The share of failed rounds, in percent of those that were judged."""
        return 100 * self.failures / self.checks if self.checks else 0.0

    @property
    def elapsed(self) -> int:
        """Seconds that the rounds so far stand for."""
        return min(self.seen * self.interval, self.duration)

    def add(self, findings: Sequence[Finding], seen: int = 0) -> RoundStats:
        """The stats with one more round. One that is unknown ends no row of failures, and is none.

        Args:
            seen: the round's place in the schedule; without one it is the next.
        """
        bad = tuple(found for found in findings if found.verdict is CheckVerdict.FAILED)
        known = bool(bad) or (bool(findings) and not rules.failed(findings))
        return self.count(bool(bad) if known else None, seen, bad)

    def count(self, failed: bool | None, seen: int = 0, last: tuple[Finding, ...] = ()) -> RoundStats:
        """Return the figures with one more round.

        Args:
            failed: whether one of its checks did not pass; None where that is unknown.
            seen: the round's place in the schedule; without one it is the next.
            last: what did not pass in it.
        """
        place = seen or self.seen + 1
        if failed is None:
            return replace(self, unknown=self.unknown + 1, seen=place)
        row = self.consecutive + 1 if failed else 0
        return replace(
            self,
            checks=self.checks + 1,
            seen=place,
            failures=self.failures + failed,
            consecutive=row,
            worst=max(self.worst, row),
            last=last or self.last,
        )

    def gap(self, place: int) -> int:
        """Return how many rounds before the next nobody saw; 0 where a slow host may have left them out.

        Args:
            place: that of the next in the schedule.
        """
        missing = place - self.seen - 1
        return missing if missing * self.interval > SLACK else 0

    def blind(self, rounds: int) -> RoundStats:
        """The stats with rounds that nobody saw."""
        more = max(0, rounds)
        return replace(self, unknown=self.unknown + more, seen=self.seen + more)

    def over(self) -> RoundStats:
        """The stats when the time is up."""
        return replace(self, seen=max(self.seen, self.planned))

    def line(self, elapsed: int | None = None) -> str:
        """Return the progress line of the runbook.

        Args:
            elapsed: seconds that are over; by default what the rounds so far stand for.
        """
        past = self.elapsed if elapsed is None else elapsed
        unknown = f" | Unknown: {self.unknown}" if self.unknown else ""
        return (
            f"Progress: {past}s / {self.duration}s | Checks: {self.checks} | "
            f"Failures: {self.failures} ({self.percent:.2f}%) | Consecutive: {self.consecutive} | "
            f"Remaining: {self.duration - past}s{unknown}"
        )

    def verdict(self, limits: Limits) -> str:
        """Why it does not pass; "" if it does."""
        if self.worst >= limits.consecutive_failures:
            return f"{self.worst} consecutive checks failed (limit {limits.consecutive_failures})"
        if self.percent > limits.error_percent:
            return f"Error rate ({self.percent:.2f}%) exceeded threshold ({limits.error_percent:.2f}%)"
        return ""
