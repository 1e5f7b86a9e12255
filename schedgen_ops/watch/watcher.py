"""Watches a host for a while, over connections that may drop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schedgen_ops.errors import ConnectionLost, OpsError, Unreachable
from schedgen_ops.host_context import HostContext
from schedgen_ops.shell import sh
from schedgen_ops.watch import sampler
from schedgen_ops.watch.host_sample import Reader
from schedgen_ops.watch.round_stats import RoundStats
from schedgen_ops.watch.stats import WatchStats

# Seconds between two attempts to reach a host again.
_PAUSE = 5.0
_GRACE = 120.0
_THERE = sh("true")


def begin(host: HostContext, seconds: int) -> WatchStats:
    """Return the stats of a watch that has not begun.

    Args:
        seconds: how long it is to take.

    Raises:
        OpsError: where nothing is configured to be asked.
    """
    settings = host.settings
    asked = settings.checks_on(host.entry)
    if not asked:
        raise OpsError("no checks are configured for this host", host=host.name)
    interval = min(settings.watch.interval, seconds)
    return WatchStats(
        checks=asked,
        services=settings.kept_on(host.entry),
        limits=settings.limits,
        ignore=settings.verify.logs.ignore,
        rounds=RoundStats(duration=seconds, interval=interval),
        adopts=not settings.tiers,
    )


@dataclass(slots=True)
class Watcher:
    """One watch of one host.

    Attributes:
        tell: called after every round, and when a connection was lost or made again, with a sentence or "".
        pause: waits some seconds; True where the watch was ended meanwhile.
    """

    host: HostContext
    stats: WatchStats
    pause: Callable[[float], object]
    tell: Callable[[str], None]

    def __call__(self) -> WatchStats:
        """Watches until the time is up. A lost connection is made again; rounds missed are unknown.

        Raises:
            OpsError: what is no lost connection; or one that could not be made in the first place.
        """
        rounds = self.stats.rounds
        began = self.host.clock.monotonic()
        over = False
        while not over and self.stats.rounds.seen < rounds.planned:
            try:
                if self.stats.drops:
                    # Takes as long as the way to the host is closed: those rounds nobody sees either.
                    self.host.run(_THERE, _GRACE)
                    self._catch_up(began)
                if left := rounds.planned - self.stats.rounds.seen:
                    self._sample(left)
                self.stats.end()
            except Unreachable as error:
                if not self.stats.rounds.seen and not isinstance(error, ConnectionLost):
                    raise
                over = self._lost(error)
                self._catch_up(began)
        return self.stats

    def _sample(self, rounds: int) -> None:
        sampling = sampler.of_watch(self.host.docker, self.host.settings.project, self.stats, rounds)
        reader, before = Reader(len(sampling.checks)), self.stats.rounds.seen

        def on_line(line: str) -> None:
            if sample := reader.feed(line):
                self.stats.add(sample, before)
                self.tell("")

        longest = rounds * max(sampling.interval, sampling.patience + len(sampling.checks)) + _GRACE
        self.host.remote.stream(sampling.command, on_line, deadline=longest)

    def _lost(self, error: OpsError) -> bool:
        """Waits before the next attempt; whether there is to be none."""
        if self.pause(min(_PAUSE, self.stats.rounds.interval)):
            return True
        self.stats.drops += 1
        self.tell(f"the connection was lost, trying again: {error.message}")
        return False

    def _catch_up(self, began: float) -> None:
        """Counts the rounds that nobody saw."""
        rounds = self.stats.rounds
        due = int((self.host.clock.monotonic() - began) // rounds.interval)
        self.stats.blind(min(due, rounds.planned) - rounds.seen)
