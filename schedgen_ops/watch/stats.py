"""The running stats of an extended verification: a host's rounds, reckoned in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from schedgen_ops import settings as s
from schedgen_ops.commands.docker import jobs_named
from schedgen_ops.watch import log_lines, rules
from schedgen_ops.watch.container_stats import ContainerStats
from schedgen_ops.watch.figures import median
from schedgen_ops.watch.host_sample import ContainerSample, HostSample, LogGroup
from schedgen_ops.watch.leak import Leak, leak
from schedgen_ops.watch.round_stats import RoundStats
from schedgen_ops.watch.rules import CheckVerdict, Finding
from schedgen_ops.watch.series import Histogram, Series

_MOST_GROUPS = 300


@dataclass(slots=True)
class WatchStats:
    """Everything that a watch of one host has shown.

    Attributes:
        checks: the URLs that are asked.
        services: what has to run.
        adopts: whether what runs in the first round has to run on, too: no tier names it.
        unread: services of which a log could not be read in some round, and their logging drivers.
        cut_off: why nobody watched to the end, where nobody did; "" else.
    """

    checks: tuple[s.Check, ...]
    services: tuple[str, ...]
    limits: s.Limits
    ignore: tuple[str, ...]
    rounds: RoundStats
    began: float | None = None
    errors: Series = field(default_factory=Series)
    cpu: Series = field(default_factory=Series)
    memory: Series = field(default_factory=Series)
    latency: dict[str, Series] = field(default_factory=dict)
    times: dict[str, Histogram] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    containers: dict[str, ContainerStats] = field(default_factory=dict)
    log: dict[tuple[str, str], LogGroup] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    drops: int = 0
    adopts: bool = False
    cut_off: str = ""
    _latest: float = 0.0

    def add(self, sample: HostSample, before: int = 0) -> None:
        """One more round.

        Args:
            before: rounds of the schedule before the sampler was started.
        """
        self.blind(self.rounds.gap(before + sample.number))
        at = self._at(sample)
        self._adopt(sample)
        findings = self._findings(sample)
        self.rounds = self.rounds.add(findings, before + sample.number)
        for found in findings:
            if found.verdict is CheckVerdict.FAILED:
                self.failed[found.check] = self.failed.get(found.check, 0) + 1
        known = [found for found in findings if found.verdict is not CheckVerdict.UNKNOWN]
        bad = sum(found.verdict is CheckVerdict.FAILED for found in known)
        self.errors.add(at, 100 * bad / len(known) if known else None)
        self.cpu.add(at, sample.cpu_percent)
        self.memory.add(at, sample.memory_percent)
        self._answers(at, sample)
        self._containers(at, sample.containers, sample.oom_kills)
        self._logs(sample.logs or ())
        self.unread.update(sample.unread)

    def count(self, failed: bool | None, place: int, rounds: int) -> None:
        """Rounds of which nothing is known but how they were judged.

        Args:
            failed: whether they were; None where that is unknown.
            place: that of the last of them in the schedule.
        """
        if failed is None:
            self._break_lines()
        for _ in range(rounds):
            self.rounds = self.rounds.count(failed, place)

    def blind(self, rounds: int) -> None:
        """Rounds that nobody saw: a gap in every line, and no zero anywhere."""
        if rounds <= 0:
            return
        self._break_lines()
        self.rounds = self.rounds.blind(rounds)

    def end(self) -> None:
        """Count what nobody saw of the rounds that are left, once the time is up."""
        self.blind(self.rounds.gap(self.rounds.planned + 1))
        self.rounds = self.rounds.over()

    def _break_lines(self) -> None:
        at = float(self.rounds.elapsed)
        containers = [
            line for container in self.containers.values() for line in (container.cpu, container.memory)
        ]
        for line in (self.errors, self.cpu, self.memory, *self.latency.values(), *containers):
            line.add(at, None)

    def _at(self, sample: HostSample) -> float:
        # A clock that was set back moves the beginning, and no line back.
        if self.began is None or sample.at < self._latest:
            self.began = sample.at - self.rounds.elapsed
        self._latest = sample.at
        return max(0.0, sample.at - self.began)

    def _adopt(self, sample: HostSample) -> None:
        if self.adopts and sample.containers is not None:
            running = (each.service for each in sample.containers if each.status == "running")
            self.services, self.adopts = tuple(dict.fromkeys((*self.services, *running))), False

    def _findings(self, sample: HostSample) -> tuple[Finding, ...]:
        answers = rules.answered(self.checks, sample.answers)
        if sample.containers is None:
            return (*answers, Finding("containers", CheckVerdict.UNKNOWN, "Docker did not answer"))
        bad = [
            container
            for container in sample.containers
            if not container.good and container.service in self.services
        ]
        have = {container.service for container in sample.containers}
        jobs = jobs_named(sample.containers)
        return (
            *answers,
            *(
                Finding(f"service {name}", CheckVerdict.FAILED, "has no container")
                for name in self.services
                if name not in have and name not in jobs
            ),
            *(
                Finding(
                    f"service {container.service}",
                    CheckVerdict.FAILED,
                    f"{container.name} is {container.health or container.status}",
                )
                for container in bad
            ),
        )

    def _answers(self, at: float, sample: HostSample) -> None:
        for check, answer in zip(self.checks, sample.answers, strict=True):
            line = self.latency.setdefault(check.name, Series())
            good = answer is not None and answer.status > 0
            line.add(at, answer.seconds * 1000 if answer and good else None)
            if answer and good:
                self.times.setdefault(check.name, Histogram()).add(answer.seconds)

    def _containers(
        self, at: float, containers: tuple[ContainerSample, ...] | None, killed: Sequence[str]
    ) -> None:
        if containers is None:
            return
        here = {container.name for container in containers}
        for container in containers:
            seen = self.containers.get(container.name)
            if seen is None:
                seen = self.containers[container.name] = ContainerStats(
                    container.name, container.service, container
                )
            seen.add(at, container, killed)
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
    def trouble(self) -> tuple[log_lines.Group, ...]:
        """What came into the logs, errors first."""
        found = log_lines.judged(self.log.values(), self.ignore)
        return tuple(sorted(found, key=lambda group: (group.level != "error", -group.count)))

    def leak(self, name: str) -> Leak:
        """Whether a container's memory leaks."""
        container = self.containers[name]
        return leak(container.memory.known, container.last.memory_limit, self.limits.leak_hours)

    def failures(self) -> tuple[str, ...]:
        """Why it does not pass; none if it does."""
        reasons = [self.rounds.verdict(self.limits)]
        for container in self.containers.values():
            if container.oom_kills:
                reasons.append(f"{container.name} ran out of memory {_times(container.oom_kills)}")
            if container.restarts:
                reasons.append(f"{container.name} was restarted {_times(container.restarts)}")
            judged = self.leak(container.name)
            if judged.leaks:
                reasons.append(f"{container.name} leaks memory: {judged}")
        return tuple(filter(None, reasons))

    def unknown(self) -> str:
        """Why nothing can be said; "" where something can."""
        if not self.rounds.checks:
            return self.cut_off or "no round could be judged"
        if self.cut_off:
            return self.cut_off
        if self.rounds.unknown > self.rounds.checks:
            return f"{self.rounds.unknown} of {self.rounds.unknown + self.rounds.checks} rounds are unknown"
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
            found.append(log_lines.cannot_be_read(self.unread.items()))
        if self.rounds.unknown:
            rounds = self.rounds.unknown + self.rounds.checks
            found.append(f"{self.rounds.unknown} of {rounds} rounds are unknown")
        if self.drops:
            found.append(f"the connection was lost {_times(self.drops)}")
        return tuple(found)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
