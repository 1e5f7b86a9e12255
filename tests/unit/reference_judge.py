"""The verdict on a release in Python: what `host_scripts/watch/judge.awk` has to say, word for word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schedgen_ops.watch.policy import GuardPolicy
from schedgen_ops.watch.release_sample import ReleaseSample

_MB = 1048576.0
# How many standard errors a slope must be above the limit.
_SURE = 3.0


@dataclass(slots=True)
class Trend:
    """A straight line through points, kept up as they come. Time that runs backwards begins it anew."""

    count: int = 0
    last: float = 0.0
    _x: float = 0.0
    _y: float = 0.0
    _xx: float = 0.0
    _xy: float = 0.0
    _yy: float = 0.0

    def add(self, x: float, y: float) -> None:
        """One more point."""
        if self.count and x <= self.last:
            self.count, self._x, self._y, self._xx, self._xy, self._yy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
        self.last = x
        self.count += 1
        dx, dy = x - self._x, y - self._y
        self._x += dx / self.count
        self._y += dy / self.count
        self._xx += dx * (x - self._x)
        self._xy += dx * (y - self._y)
        self._yy += dy * (y - self._y)

    def low(self) -> float | None:
        """The least slope that is sure enough; None where three points do not make a line yet."""
        if self.count < 3 or self._xx <= 0:
            return None
        slope = self._xy / self._xx
        rest = max(0.0, self._yy - slope * self._xy)
        return slope - _SURE * math.sqrt(rest / (self.count - 2) / self._xx)


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """What the samples say.

    Attributes:
        back: whether the release goes back.
        insufficient: whether too few real requests came to judge by them.
        first: the number, from 1, of the first bad sample that decided.
        rule: checks, requests, counters, prometheus, latency, restarts, memory or logs.
        text: the reason in a sentence; `detail` has its figures.
    """

    back: bool = False
    insufficient: bool = False
    first: int = 0
    rule: str = ""
    text: str = ""
    detail: str = ""


def parse(answer: str) -> GuardVerdict:
    """Reads what the program printed.

    Raises:
        ValueError: for anything else.
    """
    word, _, rest = answer.rstrip("\n").partition(" ")
    if word == "back":
        first, rule, said = rest.split(" ", 2)
        text, _, detail = said.partition("\t")
        return GuardVerdict(True, False, int(first), rule, text, detail)
    if word not in ("ok", "insufficient"):
        raise ValueError(f"not a verdict: {answer!r}")
    return GuardVerdict(insufficient=word == "insufficient", detail=rest)


def judge(samples: Iterable[ReleaseSample], policy: GuardPolicy, stage: int = 1) -> GuardVerdict:
    """The verdict on a series.

    Args:
        stage: the number of the sample with which the present stage began, for whether requests were enough.
    """
    analysis = Judge(policy)
    for sample in samples:
        analysis.add(sample)
    return analysis.verdict(stage)


@dataclass(slots=True)
class Judge:
    """The series so far, and what it comes to; a decision stands, whatever comes later."""

    policy: GuardPolicy
    samples: list[ReleaseSample] = field(default_factory=list)
    checks: int = 0
    failures: int = 0
    consecutive: int = 0
    decided: GuardVerdict | None = None
    _row: int = 0
    _slow: int = 0
    _slow_row: int = 0
    _over: int = 0
    _over_row: int = 0
    _trend: Trend = field(init=False)

    def __post_init__(self) -> None:
        self._trend = Trend()

    @property
    def percent(self) -> float:
        """The share of rounds of our own checks that failed, in percent."""
        return 100 * self.failures / self.checks if self.checks else 0.0

    def add(self, sample: ReleaseSample) -> None:
        """One more sample."""
        self.samples.append(sample)
        rules = (
            self._checks,
            self._requests,
            self._counters,
            self._prometheus,
            self._latency,
            self._restarted,
            self._memory,
            self._logs,
        )
        for rule in rules:
            verdict = rule(sample)
            if verdict and self.decided is None:
                self.decided = verdict

    def verdict(self, stage: int = 1) -> GuardVerdict:
        """What the samples so far say."""
        if self.decided:
            return self.decided
        present = self.samples[max(0, stage - 1) :]
        counted = [(s.requests or 0, s.counted or 0) for s in present]
        known = any(s.requests is not None or s.counted is not None for s in present)
        total = max(sum(r for r, _ in counted), sum(c for _, c in counted)) if counted else 0
        asked = sum(s.percent is not None for s in present)
        insufficient = known and total < self.policy.min_requests and asked < self.policy.window
        return GuardVerdict(insufficient=insufficient, detail=str(total))

    @property
    def _number(self) -> int:
        return len(self.samples)

    @property
    def _window(self) -> Sequence[ReleaseSample]:
        return self.samples[-self.policy.window :]

    def _checks(self, sample: ReleaseSample) -> GuardVerdict | None:
        if sample.failed is None:
            return None
        self.checks += 1
        self.failures += sample.failed
        self.consecutive = self.consecutive + 1 if sample.failed else 0
        if self.consecutive == 1:
            self._row = self._number
        p = self.policy
        if self.consecutive >= p.consecutive:
            text = f"{self.consecutive} consecutive health checks failed (limit {p.consecutive})"
            return self._back(self._row, "checks", text)
        if sample.failed and self.checks >= p.min_checks and self.percent > p.error_percent:
            detail = f"{self.failures} of {self.checks} rounds of checks failed"
            return self._exceeded(self._number, "checks", self.percent, p.error_percent, detail)
        return None

    def _requests(self, _: ReleaseSample) -> GuardVerdict | None:
        rows = [(s.requests, s.errors, s.old_requests, s.old_errors) for s in self._window]
        return self._share("requests", "requests at the ingress", rows)

    def _counters(self, _: ReleaseSample) -> GuardVerdict | None:
        rows = [(s.counted, s.count_errors, s.old_counted, s.old_count_errors) for s in self._window]
        return self._share("counters", "requests that the services counted", rows)

    def _share(self, rule: str, what: str, rows: Sequence[tuple[int | None, ...]]) -> GuardVerdict | None:
        requests = errors = old = old_errors = first = 0
        for place, (new, bad, before, bad_before) in enumerate(rows, self._number - len(rows) + 1):
            if new is not None and bad is not None:
                requests, errors = requests + new, errors + bad
                first = first or (place if bad else 0)
            if before is not None and bad_before is not None:
                old, old_errors = old + before, old_errors + bad_before
        least = max(1, self.policy.min_requests)
        if requests < least:
            return None
        # What the old release has to endure at the same time is no fault of the new one.
        allowed = self.policy.error_percent + (100 * old_errors / old if old >= least else 0)
        percent = 100 * errors / requests
        if percent <= allowed:
            return None
        return self._exceeded(first, rule, percent, allowed, f"{errors} of {requests} {what}")

    def _prometheus(self, sample: ReleaseSample) -> GuardVerdict | None:
        if sample.percent is None:
            return None
        over = sample.percent > self.policy.error_percent
        self._over = self._over + 1 if over else 0
        if self._over == 1:
            self._over_row = self._number
        if self._over < self.policy.window:
            return None
        limit, detail = self.policy.error_percent, f"by Prometheus, {self._over} times in a row"
        return self._exceeded(self._over_row, "prometheus", sample.percent, limit, detail)

    def _latency(self, sample: ReleaseSample) -> GuardVerdict | None:
        p = self.policy
        if p.latency_factor <= 0 or sample.p95 is None or sample.old_p95 is None:
            return None
        slow = sample.p95 > p.min_p95 and sample.p95 > p.latency_factor * sample.old_p95
        self._slow = self._slow + 1 if slow else 0
        if self._slow == 1:
            self._slow_row = self._number
        if self._slow < p.window:
            return None
        text = f"p95 latency ({1000 * sample.p95:.0f} ms) exceeded {p.latency_factor:g} times"
        text += " that of the release before"
        detail = f"it was {1000 * sample.old_p95:.0f} ms; {self._slow} times in a row"
        return self._back(self._slow_row, "latency", text, detail)

    def _restarted(self, sample: ReleaseSample) -> GuardVerdict | None:
        came, limit = sample.restarts, self.policy.restarts
        if came is None or limit < 0 or came <= limit:
            return None
        text = f"Containers ended {came} times (limit {self.policy.restarts})"
        return self._back(self._number, "restarts", text)

    def _memory(self, sample: ReleaseSample) -> GuardVerdict | None:
        p = self.policy
        if p.leak <= 0 or sample.memory is None or sample.at < p.warm_up:
            return None
        self._trend.add(sample.at / 60, sample.memory / _MB)
        if self._trend.count < p.leak_samples:
            return None
        low = self._trend.low()
        if low is None or low <= p.leak:
            return None
        text = f"Memory grows by at least {low:.1f} MB a minute (limit {p.leak:g})"
        return self._back(self._number, "memory", text, f"over {self._trend.count} samples")

    def _logs(self, _: ReleaseSample) -> GuardVerdict | None:
        found, first = 0, 0
        window = self._window
        for place, sample in enumerate(window, self._number - len(window) + 1):
            found += sample.log_errors or 0
            first = first or (place if sample.log_errors else 0)
        if self.policy.log_errors < 0 or found <= self.policy.log_errors:
            return None
        text = f"{found} new error lines in the logs (limit {self.policy.log_errors})"
        return self._back(first, "logs", text)

    def _exceeded(self, first: int, rule: str, percent: float, limit: float, detail: str) -> GuardVerdict:
        text = f"Error rate ({percent:.2f}%) exceeded threshold ({limit:.2f}%)"
        return self._back(first, rule, text, detail)

    def _back(self, first: int, rule: str, text: str, detail: str = "") -> GuardVerdict:
        return GuardVerdict(True, False, first, rule, text, detail)
