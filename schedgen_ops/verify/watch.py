"""The running account of an extended verification: a host's rounds, reckoned in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from schedgen_ops import settings as s
from schedgen_ops.verify import logs, plan
from schedgen_ops.verify.figures import median
from schedgen_ops.verify.leak import Leak, leak
from schedgen_ops.verify.plan import Finding, Verdict
from schedgen_ops.verify.sample import Box, LogGroup, Sample
from schedgen_ops.verify.series import Histogram, Series
from schedgen_ops.verify.tally import Tally

_MOST_GROUPS = 300


@dataclass(slots=True)
class Container:
    """What the rounds showed of one container."""

    name: str
    service: str
    last: Box
    restarts: int = 0
    oom_kills: int = 0
    gone: bool = False
    cpu: Series = field(default_factory=Series)
    memory: Series = field(default_factory=Series)


@dataclass(slots=True)
class Account:
    """Everything that a watch of one host has shown.

    Attributes:
        checks: the URLs that are asked.
        services: what has to run.
        unread: services of which a log could not be read in some round, and their logging drivers.
    """

    checks: tuple[s.Check, ...]
    services: tuple[str, ...]
    limits: s.Limits
    ignore: tuple[str, ...]
    tally: Tally
    began: float | None = None
    errors: Series = field(default_factory=Series)
    cpu: Series = field(default_factory=Series)
    memory: Series = field(default_factory=Series)
    latency: dict[str, Series] = field(default_factory=dict)
    times: dict[str, Histogram] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    log: dict[tuple[str, str], LogGroup] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    drops: int = 0

    def add(self, sample: Sample, before: int = 0) -> None:
        """One more round.

        Args:
            before: rounds of the schedule before the sampler was started.
        """
        at = self._at(sample)
        findings = self._findings(sample)
        self.tally = self.tally.add(findings, before + sample.number)
        for found in findings:
            if found.verdict is Verdict.FAILED:
                self.failed[found.check] = self.failed.get(found.check, 0) + 1
        known = [found for found in findings if found.verdict is not Verdict.UNKNOWN]
        bad = sum(found.verdict is Verdict.FAILED for found in known)
        self.errors.add(at, 100 * bad / len(known) if known else None)
        self.cpu.add(at, sample.cpu_percent)
        self.memory.add(at, sample.memory_percent)
        self._answers(at, sample)
        self._boxes(at, sample.boxes, sample.oom_kills)
        self._logs(sample.logs or ())
        self.unread.update(sample.unread)

    def blind(self, rounds: int) -> None:
        """Rounds that nobody saw: a gap in every line, and no zero anywhere."""
        if rounds <= 0:
            return
        at = float(self.tally.elapsed)
        self.tally = self.tally.blind(rounds)
        containers = [line for box in self.containers.values() for line in (box.cpu, box.memory)]
        for line in (self.errors, self.cpu, self.memory, *self.latency.values(), *containers):
            line.add(at, None)

    def _at(self, sample: Sample) -> float:
        if self.began is None:
            self.began = sample.at - self.tally.elapsed
        return max(0.0, sample.at - self.began)

    def _findings(self, sample: Sample) -> tuple[Finding, ...]:
        answers = plan.answered(self.checks, sample.answers)
        if sample.boxes is None:
            return (*answers, Finding("containers", Verdict.UNKNOWN, "Docker did not answer"))
        bad = [box for box in sample.boxes if not box.good and box.service in self.services]
        have = {box.service for box in sample.boxes}
        return (
            *answers,
            *(
                Finding(f"service {name}", Verdict.FAILED, "has no container")
                for name in self.services
                if name not in have
            ),
            *(
                Finding(f"service {box.service}", Verdict.FAILED, f"{box.name} is {box.health or box.status}")
                for box in bad
            ),
        )

    def _answers(self, at: float, sample: Sample) -> None:
        for check, answer in zip(self.checks, sample.answers, strict=True):
            line = self.latency.setdefault(check.name, Series())
            good = answer is not None and answer.status > 0
            line.add(at, answer.seconds * 1000 if answer and good else None)
            if answer and good:
                self.times.setdefault(check.name, Histogram()).add(answer.seconds)

    def _boxes(self, at: float, boxes: tuple[Box, ...] | None, killed: Sequence[str]) -> None:
        if boxes is None:
            return
        here = {box.name for box in boxes}
        for box in boxes:
            seen = self.containers.get(box.name)
            if seen is None:
                seen = self.containers[box.name] = Container(box.name, box.service, box)
            _restarted(seen, box)
            seen.oom_kills += box.id in killed or (box.oom_killed and not seen.last.oom_killed)
            seen.last, seen.gone = box, False
            seen.cpu.add(at, box.cpu_percent)
            seen.memory.add(at, None if box.memory is None else float(box.memory))
        for name, seen in self.containers.items():
            seen.gone = name not in here

    def _logs(self, groups: Sequence[LogGroup]) -> None:
        for group in groups:
            key = (group.service, group.pattern)
            before = self.log.get(key)
            if before is None and len(self.log) >= _MOST_GROUPS:
                continue
            self.log[key] = replace(group, count=group.count + (before.count if before else 0))

    @property
    def trouble(self) -> tuple[logs.Group, ...]:
        """What came into the logs, errors first."""
        found = logs.judged(self.log.values(), self.ignore)
        return tuple(sorted(found, key=lambda group: (group.level != "error", -group.count)))

    def leak(self, name: str) -> Leak:
        """Whether a container's memory leaks."""
        box = self.containers[name]
        return leak(box.memory.known, box.last.memory_limit, self.limits.leak_hours)

    def failures(self) -> tuple[str, ...]:
        """Why it does not pass; none if it does."""
        reasons = [self.tally.verdict(self.limits)]
        for box in self.containers.values():
            if box.oom_kills:
                reasons.append(f"{box.name} ran out of memory {_times(box.oom_kills)}")
            if box.restarts:
                reasons.append(f"{box.name} was restarted {_times(box.restarts)}")
            judged = self.leak(box.name)
            if judged.leaks:
                reasons.append(f"{box.name} leaks memory: {judged}")
        return tuple(filter(None, reasons))

    def unknown(self) -> str:
        """Why nothing can be said; "" where something can."""
        if not self.tally.checks:
            return "no round could be judged"
        if self.tally.unknown > self.tally.checks:
            return f"{self.tally.unknown} of {self.tally.unknown + self.tally.checks} rounds are unknown"
        return ""

    def warnings(self) -> tuple[str, ...]:
        """What to look at, though it fails nothing."""
        found: list[str] = []
        most = self.limits
        lines = (("CPU", self.cpu, most.cpu_percent), ("memory", self.memory, most.memory_percent))
        for what, line, limit in lines:
            values = [value for _, value in line.known]
            if values and (middle := median(values)) > limit:
                found.append(f"the host's {what} was at {middle:.0f} % (limit {limit:g} %)")
        errors = sum(group.count for group in self.trouble if group.level == "error")
        if errors:
            found.append(f"{errors} error lines came into the logs")
        if self.unread:
            found.append(logs.cannot_be_read(self.unread.items()))
        if self.tally.unknown:
            rounds = self.tally.unknown + self.tally.checks
            found.append(f"{self.tally.unknown} of {rounds} rounds are unknown")
        if self.drops:
            found.append(f"the connection was lost {_times(self.drops)}")
        return tuple(found)


def _restarted(seen: Container, box: Box) -> None:
    before = seen.last
    if box.id == before.id:
        by_engine = max(0, box.restarts - before.restarts)
        seen.restarts += by_engine or (box.started != before.started and box.status == "running")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
