"""Starts the prober on every host, tells it of the phases, and hears what it sees."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from time import monotonic

from schedgen_ops import events
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.probe import remote_commands, visitors
from schedgen_ops.probe.report import OUT, ProbeAnswer, ProbeReport, answered, begins, merged, parse, report
from schedgen_ops.probe.series import Series, series
from schedgen_ops.proxy import chosen
from schedgen_ops.remote import Remote, RemoteProcess
from schedgen_ops.settings import Check, Settings

_LONGEST = 6 * 3600.0
_SILENCE = 60
_COUNTING = 40.0


@dataclass(slots=True)
class _Ear:
    """Hears the prober of one host.

    Attributes:
        lines: all that it said; what came before a connection was lost is kept.
        wanted: the status that each check asks for; None for any that is good.
        counted: set once it has said what the ingress counted up to the end.
    """

    host: str
    checks: Sequence[Check]
    emit: events.Emit
    lines: list[str] = field(default_factory=list)
    counted: threading.Event = field(default_factory=threading.Event)
    wanted: tuple[int | None, ...] = field(init=False, default=())
    _failed: set[int] = field(default_factory=set)
    _out: bool = False

    def __post_init__(self) -> None:
        # Each line is looked at.
        self.wanted = tuple(check.status for check in self.checks)

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        if line.startswith("visitors end "):
            self.counted.set()
        if phase := begins(line):
            self._out = phase == OUT
        answer = answered(line, self.wanted)
        if answer and not answer.good and not self._out and answer.url not in self._failed:
            self._failed.add(answer.url)
            said = f"answered {answer.status}" if answer.status else "did not answer"
            events.warn(self.emit, f"a request failed: {self.checks[answer.url].url} {said}", self.host)


@dataclass(slots=True)
class Prober:
    """The probers at work, one on every host that has something to ask.

    Attributes:
        seen: the result, once they were stopped.
        series: the same over time.
    """

    fleet: Fleet
    settings: Settings
    emit: events.Emit
    seen: ProbeReport | None = None
    series: Series = field(default_factory=Series)
    _held: list[tuple[RemoteProcess, _Ear]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def phase(self, name: str, host: str = "") -> None:
        """Begin another phase of the report, on one host or on all."""
        self._say(name, host)

    def _say(self, name: str, host: str = "") -> None:
        for hold, ear in self._held:
            if host in ("", ear.host):
                with suppress(OpsError):
                    hold.send(name)

    def start(self) -> None:
        """Begin to ask, on every host."""
        for remote in self.fleet.hosts:
            checks = self.settings.checks_on(self.settings.host(remote.name))
            if checks:
                self._held.append(self._hold(remote, checks))
        threading.Thread(target=self._beat, daemon=True).start()

    def _hold(self, remote: Remote, checks: Sequence[Check]) -> tuple[RemoteProcess, _Ear]:
        patience = max(5.0, *(check.within * 2 for check in checks))
        command = remote_commands.probe(
            checks,
            silence=_SILENCE,
            pause=self.settings.probe.pause,
            patience=patience,
            proxy=chosen(self.settings),
            docker=Docker(self.settings.sudo),
            project=self.settings.project,
        )
        ear = _Ear(remote.name, checks, self.emit)
        return remote.hold(command, deadline=_LONGEST, on_line=ear), ear

    def _beat(self) -> None:
        while not self._over.wait(_SILENCE / 4):
            self._say("")

    def stop(self, uncounted: Sequence[str] = ()) -> ProbeReport:
        """End the probers and return what they saw. One that had ended before is named as silent.

        Args:
            uncounted: hosts whose visitors no prober asks for.
        """
        self._over.set()
        self._count()
        silent = tuple(ear.host for hold, ear in self._held if not _ended_now(hold))
        each = [(ear, parse(ear.lines, ear.wanted)) for _, ear in self._held]
        seen = merged(report(answers) for _, answers in each)
        self.series = series(answers for _, answers in each)
        counted = [visitors.reckon(ear.host, ear.lines, _refused(answers)) for ear, answers in each]
        counted += [visitors.Visitors(host, unknown="no check asks there") for host in uncounted]
        self.seen = replace(seen, silent=silent, visitors=visitors.merged(counted) if counted else None)
        return self.seen

    def _count(self) -> None:
        """Another look at what the ingress counted, on every host whose first look ended."""
        able = [
            (hold, ear) for hold, ear in self._held if any(map(_began_to_count, ear.lines)) and hold.alive
        ]
        for hold, ear in able:
            if not ear.counted.is_set():
                with suppress(OpsError):
                    hold.send("count")
        until = monotonic() + _COUNTING
        for hold, ear in able:
            while hold.alive and not ear.counted.wait(0.2) and monotonic() < until:
                pass


def _began_to_count(line: str) -> bool:
    return line.startswith("visitors start ")


def _refused(answers: Sequence[ProbeAnswer]) -> int:
    return sum(answer.status >= 500 for answer in answers)


def _ended_now(hold: RemoteProcess) -> bool:
    """Whether it was there until it was told to end, and did."""
    there = hold.alive
    hold.close()
    return there and hold.code == 0


@contextmanager
def probing(fleet: Fleet, settings: Settings, emit: events.Emit) -> Iterator[Prober]:
    """Run the probers for as long as the block lasts."""
    prober = Prober(fleet, settings, emit)
    try:
        prober.start()
        yield prober
    finally:
        if prober.seen is None:
            with suppress(OpsError, KeyboardInterrupt):
                prober.stop()
