"""How many rounds of a watch went well: the figures of its progress line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from schedgen_ops.settings import Limits
from schedgen_ops.verify import plan
from schedgen_ops.verify.plan import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Tally:
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
    def rounds(self) -> int:
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

    def add(self, findings: Sequence[Finding], seen: int = 0) -> Tally:
        """The account with one more round. One that is unknown ends no row of failures, and is none.

        Args:
            seen: the round's place in the schedule; without one it is the next.
        """
        bad = tuple(found for found in findings if found.verdict is Verdict.FAILED)
        if not bad and (not findings or plan.failed(findings)):
            return replace(self, unknown=self.unknown + 1, seen=seen or self.seen + 1)
        row = self.consecutive + 1 if bad else 0
        return replace(
            self,
            checks=self.checks + 1,
            seen=seen or self.seen + 1,
            failures=self.failures + bool(bad),
            consecutive=row,
            worst=max(self.worst, row),
            last=bad or self.last,
        )

    def blind(self, rounds: int) -> Tally:
        """The account with rounds that nobody saw."""
        more = max(0, rounds)
        return replace(self, unknown=self.unknown + more, seen=self.seen + more)

    def over(self) -> Tally:
        """The account when the time is up."""
        return replace(self, seen=max(self.seen, self.rounds))

    def line(self) -> str:
        """The progress line of the runbook."""
        unknown = f" | Unknown: {self.unknown}" if self.unknown else ""
        return (
            f"Progress: {self.elapsed}s / {self.duration}s | Checks: {self.checks} | "
            f"Failures: {self.failures} ({self.percent:.2f}%) | Consecutive: {self.consecutive} | "
            f"Remaining: {self.duration - self.elapsed}s{unknown}"
        )

    def verdict(self, limits: Limits) -> str:
        """Why it does not pass; "" if it does."""
        if self.worst >= limits.consecutive_failures:
            return f"{self.worst} consecutive checks failed (limit {limits.consecutive_failures})"
        if self.percent > limits.error_percent:
            return f"Error rate ({self.percent:.2f}%) exceeded threshold ({limits.error_percent:.2f}%)"
        return ""
