"""One round of a watch as a value, and the reader of the lines that a host prints for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from schedgen_ops.commands import http
from schedgen_ops.commands.docker import is_job, jobs_in, jobs_named

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}
_SIZE = re.compile(r"([\d.]+)\s*([kmgt]i?)?b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ContainerSample:
    """A container in one round.

    Attributes:
        health: "" where it has no health check, else starting, healthy or unhealthy.
        restarts: how often the engine started it again.
        exit_code: what it ended with; None where that is not told.
        jobs: the jobs that it names, itself among them or what it waits for.
        job: whether it is to end, and not to be there.
        cpu_percent: of one core, since the round before; None where it is not known yet.
        memory: bytes in use, caches that can be dropped left out; None where it could not be read.
        memory_limit: bytes that it may use; None for no limit of its own.
    """

    id: str
    name: str
    service: str
    release: str
    status: str
    health: str
    restarts: int
    oom_killed: bool
    started: str
    cpu_percent: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    exit_code: int | None = None
    jobs: frozenset[str] = frozenset()
    job: bool = False

    @property
    def good(self) -> bool:
        """Runs, and is healthy as far as it can tell; or is a job that has ended well."""
        runs = self.status == "running" and self.health in ("", "healthy")
        return runs or (self.job and self.status == "exited" and self.exit_code == 0)


@dataclass(frozen=True, slots=True)
class LogGroup:
    """Lines of a service's log that are alike: how many came since the round before, and one of them."""

    service: str
    count: int
    pattern: str
    example: str


@dataclass(frozen=True, slots=True)
class HostSample:
    """What one round saw. What could not be looked at is missing, never zero.

    Attributes:
        number: its place in the schedule, from 1; where rounds took too long, the next ones are left out.
        at: when the round began, in seconds since the epoch by the host's clock.
        seconds: how long it took.
        answers: one for each URL that was asked, in order; None for one that told nothing.
        containers: the project's containers; None where the engine did not answer.
        cpu_percent: of all cores, since the round before; None in the first round.
        memory_percent: of the host's memory.
        oom_kills: the containers in which a process ran out of memory since the round before.
        logs: what came into the logs; None in a round that did not look.
        unread: services that have a log which cannot be read, and their logging drivers.
        extra: lines of further commands that were run in the round, by their names.
    """

    number: int
    at: float
    seconds: float
    answers: tuple[http.HttpAnswer | None, ...]
    containers: tuple[ContainerSample, ...] | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    oom_kills: tuple[str, ...] = ()
    logs: tuple[LogGroup, ...] | None = None
    unread: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Reader:
    """Turns the sampler's lines into samples. A torn or unknown line is passed over.

    Args:
        urls: how many URLs are asked in a round.
    """

    def __init__(self, urls: int) -> None:
        self._urls = urls
        self._cpu: tuple[int, int] | None = None
        self._used: dict[str, tuple[float, float]] = {}
        self._begin(0, 0.0)

    def _begin(self, number: int, at: float) -> None:
        self._number, self._at = number, at
        self._answers: list[http.HttpAnswer | None] = [None] * self._urls
        self._containers: dict[str, list[str]] | None = None
        self._usage: dict[str, tuple[float | None, int, int | None]] = {}
        self._killed: list[str] = []
        self._logs: list[LogGroup] | None = None
        self._unread: list[tuple[str, str]] = []
        self._host_cpu: float | None = None
        self._memory: float | None = None
        self._extra: dict[str, list[str]] = {}

    def feed(self, line: str) -> HostSample | None:
        """The sample that `line` completes, if it does."""
        kind, *words = line.split("\t")
        try:
            return self._take(kind, words)
        except (ValueError, IndexError, ZeroDivisionError):
            return None

    def _take(self, kind: str, words: list[str]) -> HostSample | None:
        match kind:
            case "round":
                self._begin(int(words[0]), int(words[1]) / 1e6)
            case "http":
                self._answers[int(words[0])] = http.parse_answer(words[1])
            case "cpu":
                self._kernel(int(words[0]), int(words[1]))
            case "memory":
                self._memory = 100 * (1 - int(words[1]) / int(words[0]))
            case "containers":
                self._containers = {}
            # What earlier versions kept of a watch has ten.
            case "container" if self._containers is not None and len(words) in (10, 12):
                self._containers[words[0]] = words
            case "usage" | "stats":
                self._measure(kind, words)
            case "oom":
                self._killed.append(words[0])
            case "looked":
                self._logs = []
            case "log" if self._logs is not None:
                self._logs.append(LogGroup(words[0], int(words[1]), words[2], words[3]))
            case "unread" | "extra":
                self._further(kind, words)
            case "end" if int(words[0]) == self._number:
                return self._sample(int(words[1]) / 1e6)
        return None

    def _further(self, kind: str, words: Sequence[str]) -> None:
        if kind == "unread":
            self._unread.append((words[0], words[1]))
        else:
            self._extra.setdefault(words[0], []).append("\t".join(words[1:]))

    def _kernel(self, busy: int, total: int) -> None:
        before, self._cpu = self._cpu, (busy, total)
        if before is not None and total > before[1]:
            self._host_cpu = 100 * (busy - before[0]) / (total - before[1])

    def _measure(self, kind: str, words: Sequence[str]) -> None:
        if kind == "usage":
            container, memory, limit, used = words
            self._usage[container] = (self._share(container, int(used) / 1e6), int(memory), _limit(limit))
        else:
            container, percent, memory = words
            used_bytes, _, limit_bytes = memory.partition("/")
            self._usage[container] = (float(percent.rstrip("%")), size(used_bytes), size(limit_bytes))

    def _share(self, container: str, used: float) -> float | None:
        before, self._used[container] = self._used.get(container), (used, self._at)
        if before is None or used < before[0] or self._at <= before[1]:
            return None
        return 100 * (used - before[0]) / (self._at - before[1])

    def _sample(self, seconds: float) -> HostSample:
        containers = None
        if self._containers is not None:
            found = [*map(self._container, self._containers.values())]
            named = jobs_named(found)
            told = (replace(each, job=is_job(each, named)) for each in found)
            containers = tuple(sorted(told, key=lambda container: (container.service, container.name)))
            self._used = {
                container: used for container, used in self._used.items() if container in self._containers
            }
        return HostSample(
            number=self._number,
            at=self._at,
            seconds=seconds,
            answers=tuple(self._answers),
            containers=containers,
            cpu_percent=self._host_cpu,
            memory_percent=self._memory,
            oom_kills=tuple(self._killed),
            logs=None if self._logs is None else tuple(self._logs),
            unread=tuple(self._unread),
            extra={name: tuple(lines) for name, lines in self._extra.items()},
        )

    def _container(self, words: Sequence[str]) -> ContainerSample:
        identity, name, service, release, status, health, restarts, oom, started, _, *ending = words
        exit_code, needs = ending or ("", "")
        cpu, memory, limit = self._usage.get(identity, (None, None, None))
        return ContainerSample(
            id=identity,
            name=name.removeprefix("/"),
            service=service,
            release="" if release == "-" else release,
            status=status,
            health="" if health == "-" else health,
            restarts=int(restarts),
            oom_killed=oom == "true",
            started=started,
            cpu_percent=cpu,
            memory=memory,
            memory_limit=limit,
            exit_code=int(exit_code) if exit_code else None,
            jobs=jobs_in(needs),
        )


def _limit(text: str) -> int | None:
    # cgroup v1 says "no limit" with a number near 2^63, v2 with a word.
    return int(text) if text.isdigit() and int(text) < 1 << 60 else None


def size(text: str) -> int:
    """A size as Docker writes it ("12.3MiB") in bytes.

    Raises:
        ValueError: for anything else.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a size: {text!r}")
    unit = (found[2] or "").lower()
    return round(float(found[1]) * (_BINARY[unit] if unit in _BINARY else _UNITS[unit]))


def memory_used(stdout: str) -> dict[str, int]:
    """What `Docker.memory` tells: bytes by a container's name; what cannot be read is left out."""
    found = {}
    for line in stdout.splitlines():
        name, _, usage = line.partition("\t")
        with suppress(ValueError):
            found[name] = size(usage.partition("/")[0])
    return found
