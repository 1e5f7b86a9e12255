"""Watches a host for a while, over connections that may drop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schedgen_ops.clock import Clock
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import ConnectionLost, OpsError, Unreachable
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
from schedgen_ops.verify import plan, sampler
from schedgen_ops.verify.sample import Reader
from schedgen_ops.verify.tally import Tally
from schedgen_ops.verify.watch import Account

# Seconds between two attempts to reach a host again.
_PAUSE = 5.0
_GRACE = 120.0
_LOGS_EVERY = 5.0
_THERE = sh("true")


def account(remote: Remote, settings: Settings, seconds: int) -> Account:
    """An account of a watch of `seconds` that has not begun.

    Raises:
        OpsError: where nothing is configured to be asked.
    """
    host = settings.host(remote.name)
    asked = settings.checks_on(host)
    if not asked:
        raise OpsError("no checks are configured for this host", host=remote.name)
    interval = min(settings.watch.interval, seconds)
    return Account(
        checks=asked,
        services=settings.services_on(host),
        limits=settings.limits,
        ignore=settings.verify.logs.ignore,
        tally=Tally(duration=seconds, interval=interval),
    )


@dataclass(slots=True)
class Vigil:
    """One watch of one host.

    Attributes:
        tell: called after every round, and when a connection was lost or made again, with a sentence or "".
        pause: waits some seconds; True where the watch was ended meanwhile.
    """

    remote: Remote
    settings: Settings
    account: Account
    clock: Clock
    pause: Callable[[float], object]
    tell: Callable[[str], None]

    def __call__(self) -> Account:
        """Watches until the time is up. A lost connection is made again; rounds missed are unknown.

        Raises:
            OpsError: what is no lost connection; or one that could not be made in the first place.
        """
        tally = self.account.tally
        began = self.clock.monotonic()
        over = False
        while not over and self.account.tally.seen < tally.rounds:
            try:
                if self.account.drops:
                    # Takes as long as the way to the host is closed: those rounds nobody sees either.
                    self.remote.run(_THERE, deadline=_GRACE)
                    self._catch_up(began)
                if left := tally.rounds - self.account.tally.seen:
                    self._sample(left)
                self.account.tally = self.account.tally.over()
            except Unreachable as error:
                if not self.account.tally.seen and not isinstance(error, ConnectionLost):
                    raise
                over = self._lost(error)
                self._catch_up(began)
        return self.account

    def _sample(self, rounds: int) -> None:
        asked, interval = self.account.checks, self.account.tally.interval
        reader, before = Reader(len(asked)), self.account.tally.seen
        patience = plan.patience(asked)
        command = sampler.sample(
            Docker(self.settings.sudo),
            self.settings.project,
            asked,
            rounds=rounds,
            interval=interval,
            patience=patience,
            log_rounds=max(1, round(_LOGS_EVERY / interval)),
        )

        def on_line(line: str) -> None:
            if sample := reader.feed(line):
                self.account.add(sample, before)
                self.tell("")

        longest = rounds * max(interval, patience + len(asked)) + _GRACE
        self.remote.stream(command, on_line, deadline=longest)

    def _lost(self, error: OpsError) -> bool:
        """Waits before the next attempt; whether there is to be none."""
        if self.pause(min(_PAUSE, self.account.tally.interval)):
            return True
        self.account.drops += 1
        self.tell(f"the connection was lost, trying again: {error.message}")
        return False

    def _catch_up(self, began: float) -> None:
        """Counts the rounds that nobody saw."""
        tally = self.account.tally
        due = int((self.clock.monotonic() - began) // tally.interval)
        self.account.blind(min(due, tally.rounds) - tally.seen)
