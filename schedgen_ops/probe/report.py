"""What the prober saw, reckoned. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from schedgen_ops.probe.visitors import Visitors
from schedgen_ops.watch import figures, rules

_BEFORE = "before"
OUT = "out"
"""The phase of a host that is out of its load balancer: what fails there meanwhile is nobody's request."""
_MARK = re.compile(r"(\d+) phase (\w+)", re.ASCII)
_ANSWER = re.compile(r"(\d+) (\d+) (\d+) (\d+(?:\.\d+)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """One request.

    Attributes:
        start, seconds: when it began, and how long it took.
        url: the number of the check that it is of.
        status: the answer's; 0 for none.
        wanted: the status that the check asks for; None for any that is good.
    """

    start: float
    url: int
    status: int
    seconds: float
    phase: str = _BEFORE
    wanted: int | None = None

    @property
    def good(self) -> bool:
        """Whether a visitor would have been content."""
        return rules.good_status(self.status, self.wanted)

    @property
    def end(self) -> float:
        """When the answer was complete."""
        return self.start + self.seconds


@dataclass(frozen=True, slots=True)
class Phase:
    """The requests that began in one phase; times in seconds, 0 where there were none."""

    name: str
    requests: int
    failed: int
    median: float
    p99: float


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """All that was seen.

    Attributes:
        gap: the longest time, in seconds, from the last good answer before a failed one to the next good one.
        phases: before, during, after; and out, which counts in none of the above, for hosts that were.
        silent: hosts whose prober could not tell what it saw.
        visitors: what the ingress counted of others; None where only our own requests are looked at.
    """

    requests: int
    failed: int
    gap: float
    phases: tuple[Phase, ...]
    silent: tuple[str, ...] = ()
    visitors: Visitors | None = None

    @property
    def clean(self) -> bool:
        """Whether requests of ours were made, and none failed."""
        return self.requests > 0 and self.failed == 0 and not self.silent

    @property
    def zero_downtime(self) -> bool:
        """Whether it was measured that nobody's request failed, ours and visitors'."""
        return self.clean and (self.visitors is None or self.visitors.clean)

    @property
    def trouble(self) -> bool:
        """Whether requests failed, or none of ours could tell."""
        return not self.clean or bool(self.visitors and self.visitors.failed)

    def sentence(self) -> str:
        """Return the result in words."""
        if not self.requests:
            return "Not measured: no request was made"
        if self.zero_downtime:
            return f"Zero downtime: {self.requests} requests during the run, none failed"
        if self.clean:
            return f"None of our own {self.requests} requests failed during the run"
        text = f"{self.failed} of {self.requests} requests failed during the run"
        gap = f", the longest gap was {self.gap:.2f}s" if self.failed else ""
        unknown = f"; not measured on {', '.join(self.silent)}" if self.silent else ""
        return text + gap + unknown

    def table(self) -> tuple[str, ...]:
        """Return a line for each phase."""
        return tuple(
            f"{phase.name}: {phase.requests} requests, {phase.failed} failed, "
            f"median {phase.median * 1000:.0f} ms, p99 {phase.p99 * 1000:.0f} ms"
            for phase in self.phases
        )


def begins(line: str) -> str:
    """Return the phase that begins with a line of the prober's; "" for none."""
    mark = _MARK.fullmatch(line)
    return mark[2] if mark else ""


def answered(line: str, wanted: Sequence[int | None] = ()) -> ProbeAnswer | None:
    """Return the answer that a line of the prober's tells of, if it is about a request.

    Args:
        wanted: the status that each check asks for; None for any that is good.
    """
    found = _ANSWER.fullmatch(line)
    if found is None:
        return None
    start, url, status, seconds = found.groups()
    asked = wanted[int(url)] if int(url) < len(wanted) else None
    return ProbeAnswer(int(start) / 1e6, int(url), int(status), float(seconds), wanted=asked)


def parse(lines: Iterable[str], wanted: Sequence[int | None] = ()) -> tuple[ProbeAnswer, ...]:
    """Return the answers in what the prober said, see `answered`; a torn line is passed over."""
    found: list[ProbeAnswer] = []
    marks: list[tuple[float, str]] = []
    for line in lines:
        if mark := _MARK.fullmatch(line):
            marks.append((int(mark[1]) / 1e6, mark[2]))
        elif answer := answered(line, wanted):
            found.append(answer)
    return tuple(_in_phase(answer, marks) for answer in sorted(found, key=lambda answer: answer.start))


def _in_phase(answer: ProbeAnswer, marks: Sequence[tuple[float, str]]) -> ProbeAnswer:
    name = _BEFORE
    for at, phase in marks:
        if answer.start >= at:
            name = phase
    return replace(answer, phase=name)


def report(
    answers: Sequence[ProbeAnswer], phases: Sequence[str] = (_BEFORE, "during", "after")
) -> ProbeReport:
    """Return what the answers come to: in all, and phase by phase."""
    served = [answer for answer in answers if answer.phase != OUT]
    if len(served) < len(answers):
        phases = (*phases, OUT)
    return ProbeReport(
        requests=len(served),
        failed=sum(not answer.good for answer in served),
        gap=max((_gap([a for a in served if a.url == url]) for url in {a.url for a in served}), default=0.0),
        phases=tuple(_phase(name, [a for a in answers if a.phase == name]) for name in phases),
    )


def merged(reports: Iterable[ProbeReport]) -> ProbeReport:
    """Return the reports of several hosts as one: the worst of them, where they cannot be added."""
    each = tuple(reports)
    names = dict.fromkeys(phase.name for found in each for phase in found.phases)
    phases = [[p for found in each for p in found.phases if p.name == name] for name in names]
    return ProbeReport(
        requests=sum(found.requests for found in each),
        failed=sum(found.failed for found in each),
        gap=max((found.gap for found in each), default=0.0),
        phases=tuple(
            Phase(
                group[0].name,
                sum(p.requests for p in group),
                sum(p.failed for p in group),
                max(p.median for p in group),
                max(p.p99 for p in group),
            )
            for group in phases
        ),
    )


def _phase(name: str, answers: Sequence[ProbeAnswer]) -> Phase:
    times = sorted(answer.seconds for answer in answers)
    failed = sum(not answer.good for answer in answers)
    return Phase(name, len(times), failed, quantile(times, 0.5), quantile(times, 0.99))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the values do not exceed; 0 for none."""
    return figures.quantile(values, share) if values else 0.0


def _gap(answers: Sequence[ProbeAnswer]) -> float:
    if not answers:
        return 0.0
    good = [answer for answer in answers if answer.good]
    edges = [answers[0].start, *(answer.end for answer in good), answers[-1].end]
    failed = [answer.start for answer in answers if not answer.good]
    gaps = [b - a for a, b in pairwise(edges) if any(a <= at <= b for at in failed)]
    return max(gaps, default=0.0)
