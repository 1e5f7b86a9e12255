"""What the watchdog's log says, told to an operator; and how a watch stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schedgen_ops import events
from schedgen_ops.guard import plan
from schedgen_ops.guard.plan import Stage
from schedgen_ops.settings import Settings
from schedgen_ops.watch.policy import GuardPolicy
from schedgen_ops.watch.release_sample import ReleaseSample, parse
from schedgen_ops.watch.round_stats import RoundStats


@dataclass(slots=True)
class HostWatch:
    """One host's watch as its log tells it.

    Attributes:
        stages: what was planned.
        outcome: kept, back, broken, left or ended, once the watchdog is done; `reason` says why.
        verdict: the sentence that decided, once it is bad.
        answering: seconds from the first bad sample to the old release answering.
        took: seconds that going back took.
    """

    policy: GuardPolicy
    stages: tuple[Stage, ...]
    emit: events.Emit = events.silence
    host: str = ""
    samples: list[ReleaseSample] = field(default_factory=list)
    rounds: RoundStats = field(init=False)
    stage: Stage | None = None
    good: bool = False
    outcome: str = ""
    reason: str = ""
    verdict: str = ""
    answering: float | None = None
    took: float = 0.0
    _before: int = 0
    _why: str = ""
    _unweighed: bool = False

    def __post_init__(self) -> None:
        self.rounds = RoundStats(self.duration, 1)

    def take(self, line: str) -> str:
        """Take a line of the log and return its first word; "" for one that cannot be read."""
        word, _, rest = line.strip().partition(" ")
        handler = _HANDLERS.get(word)
        if handler is None:
            return ""
        try:
            handler(self, rest)
        except (ValueError, IndexError):
            return ""
        return word

    @property
    def duration(self) -> int:
        """The seconds that the watch is planned to take in all."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def elapsed(self) -> int:
        """The seconds of the watch that are over."""
        return min(round(self.samples[-1].at), self.duration) if self.samples else 0

    def progress(self) -> str:
        """The progress line of the runbook, and what came of real requests."""
        text = f"  {self.rounds.line(self.elapsed)}"
        return " | ".join(filter(None, (text, self._requests())))

    def _requests(self) -> str:
        asked = sum(s.requests or 0 for s in self.samples)
        if any(s.requests is not None for s in self.samples):
            wrong = sum(s.errors or 0 for s in self.samples)
            return f"Requests: {asked} ({100 * wrong / asked if asked else 0:.2f}% errors)"
        counted = sum(s.counted or 0 for s in self.samples)
        if any(s.counted is not None for s in self.samples):
            wrong = sum(s.count_errors or 0 for s in self.samples)
            return f"Requests: {counted} ({100 * wrong / counted if counted else 0:.2f}% errors)"
        return ""

    def _stage(self, rest: str) -> None:
        share, seconds = rest.split()
        self.stage = Stage(int(share), int(seconds))
        self._before = len(self.samples)
        if self._unweighed:
            self._unweighed = False
        elif self.stage.share < 100:
            self._info(f"Canary: {share}% of the requests go to the new release for {seconds}s")
        elif self._before:
            self._info(f"All requests go to the new release; watching for {seconds}s more")

    def _sample(self, rest: str) -> None:
        sample = parse(rest)
        self.samples.append(sample)
        if sample.failed is not None:
            self.rounds = self.rounds.count(bool(sample.failed))
        self._info(self.progress())
        if self._why:
            events.warn(self.emit, f"Check failed: {self._why}", self.host)
            self._why = ""

    def _bad(self, rest: str) -> None:
        _, rule, text = rest.split(" ", 2)
        self.verdict, _, detail = text.partition("\t")
        events.error(self.emit, self.verdict, self.host)
        if detail:
            events.error(self.emit, f"  {detail}", self.host)
        self.emit(events.Fact("guard.rule", rule, self.host))
        seen = self.samples[self._before :]
        new = sum(s.requests or 0 for s in seen)
        self._tell_share(new, new + sum(s.old_requests or 0 for s in seen))
        events.error(self.emit, "TRIGGERING AUTOMATIC ROLLBACK", self.host)

    def _insufficient(self, rest: str) -> None:
        action, total = rest.split()
        least = self.policy.min_requests
        what = {"accept": "it is accepted by our own checks", "wait": "waiting for more"}
        then = what.get(action, "it goes back")
        events.warn(self.emit, f"Inconclusive: {total} real requests, {least} are needed; {then}", self.host)

    def _not_weighed(self, rest: str) -> None:
        self._unweighed = True
        text = f"The ingress did not take the share of {int(rest)}%: the requests go as they went before"
        events.warn(self.emit, text, self.host)

    def _unread(self, rest: str) -> None:
        service, driver = rest.split()
        text = f"The log of {service} cannot be read (logging driver {driver}): its error lines are unknown"
        events.warn(self.emit, text, self.host)

    def _share(self, rest: str) -> None:
        new, total = map(int, rest.split())
        self._tell_share(new, total)

    def _tell_share(self, new: int, total: int) -> None:
        if self.stage and self.stage.share < 100 and total:
            self.emit(events.Fact("guard.share", [self.stage.share, new, total], self.host))
            share = f"{100 * new / total:.1f}%"
            self._info(f"The new release answered {new} of {total} requests ({share}) at the ingress")

    def _answering(self, rest: str) -> None:
        self.answering = max(self.answering or 0.0, float(rest))
        self._info(f"The old release answers again, {self.answering:.1f}s after the first bad sample")
        self.emit(events.Fact("guard.answering", self.answering, self.host))

    def _why_failed(self, rest: str) -> None:
        self._why = rest

    def _said(self, rest: str) -> None:
        self.emit(events.Output(rest, self.host))

    def _good(self, _: str) -> None:
        self.good = True

    def _end(self, rest: str) -> None:
        self.outcome, seconds, self.reason = rest.split(" ", 2)
        self.took = float(seconds)
        self.emit(events.Fact("guard.verdict", [self.outcome, self.verdict or self.reason], self.host))
        if self.outcome == "back":
            self._info(f"Rolled back in {self.took:.1f}s")

    def _info(self, text: str) -> None:
        events.info(self.emit, text, self.host)


_HANDLERS: dict[str, Callable[[HostWatch, str], None]] = {
    "stage": HostWatch._stage,
    "sample": HostWatch._sample,
    "why": HostWatch._why_failed,
    "bad": HostWatch._bad,
    "insufficient": HostWatch._insufficient,
    "share": HostWatch._share,
    "unread": HostWatch._unread,
    "unweighed": HostWatch._not_weighed,
    "answering": HostWatch._answering,
    "good": HostWatch._good,
    "say": HostWatch._said,
    "end": HostWatch._end,
}


def standing(settings: Settings, lines: Sequence[str]) -> str:
    """Return how the guard of a host stands, in words; "" where there is none.

    Args:
        lines: the answer of `remote_commands.status`.
    """
    if not lines:
        return ""
    if lines[0] != "alive":
        return "ended in the middle of its watch"
    watch = HostWatch(plan.policy(settings), _planned(settings, lines))
    for line in lines[2:]:
        watch.take(line)
    if watch.verdict:
        return f"going back: {watch.verdict}"
    return f"watching;{watch.progress()}"


def _planned(settings: Settings, lines: Sequence[str]) -> tuple[Stage, ...]:
    parts = [line.split() for line in lines if line.startswith("stage ")]
    return tuple(Stage(int(part[1]), int(part[2])) for part in parts) or plan.stages(settings)
