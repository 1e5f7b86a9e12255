"""The services that ran before everything was taken down, so that all come back, or are told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from schedgen_ops.backup.data_location import running
from schedgen_ops.commands import files
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.emergency.data import Data
from schedgen_ops.errors import OpsError
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release.paths import Paths
from schedgen_ops.shell import Command

_RUNS = ("running", "restarting", "paused")


@dataclass(slots=True)
class Ran(Data):
    """The services of a host in an emergency.

    Attributes:
        ran: those that ran before, beside the configured ones.
        lost: those of them that do not run again.
    """

    ran: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def ours(self) -> tuple[str, ...]:
        """The names of the services that are configured for this host, and the ingress."""
        return (*self.settings.kept_on(self.settings.host(self.remote.name)), INGRESS)

    def note_others(self) -> None:
        """Record what else runs now, or ran before an earlier run was killed, before it goes."""
        boxes = running(self.context)
        now = {box.service for box in boxes if box.status in _RUNS and not box.job}
        before = self.remote.run(files.read(self._record), deadline=60, check=False)
        names = now | (set(before.stdout.split()) if before.ok else set())
        self.ran = sorted(names - {*self.ours, ""})
        if self.ran:
            self.run(files.replace(self._record, "".join(f"{name}\n" for name in self.ran)), 60)

    def up(self) -> None:
        """Start everything that belongs on this host, and what else ran before, until it is healthy."""
        there = set(self.run(self.compose("config", "--services"), 60).split())
        wanted = self.ours if self.settings.tiers else self._all(there)
        names = [name for name in wanted if name in there and name not in self.jobs]
        begun: list[str] = []
        try:
            self.start(*names)
            begun = names
            self.say(f"Started: {', '.join(names)}")
        finally:
            # They are started whatever becomes of the others.
            self._start_others(there, begun)

    def _all(self, there: set[str]) -> Sequence[str]:
        """What the compose file has for this host, where no tier names it."""
        host = self.settings.host(self.remote.name)
        return sorted(name for name in there if host.runs(name))

    def _start_others(self, there: set[str], begun: Sequence[str]) -> None:
        for name in self.ran:
            if name in begun:
                continue
            try:
                if name in there:
                    self.start("--no-deps", name)
                else:
                    self.run(self._by_owner("up", *self.options, "--no-deps", name), self.patience)
                self.say(f"Started: {name}, which ran before")
            except OpsError as error:
                self.lost.append(name)
                self.warn(f"{name} ran before, and does not run again: {error.message}")

    def tell_lost(self) -> None:
        """Tell of what did not come back; end the record where all of it runs again.

        Raises:
            OpsError: naming what was taken away.
        """
        good = {box.service for box in running(self.context) if box.good} if self.ran else set()
        lost = sorted({*self.lost, *self.ran} - good)
        if lost:
            raise OpsError(
                f"what is configured serves again, but {', '.join(lost)} ran before and was taken away",
                host=self.remote.name,
                hint="`inv ops.start SERVICE` starts it where it is configured.",
            )
        if self.ran:
            self.run(files.remove(self._record), 60)

    def _by_owner(self, *argv: str) -> Command:
        """`docker compose ARGV...` on what the owner wrote: services with a profile are in it alone."""
        compose = compose_of(self.settings)
        if self.release_id:
            return compose.as_written(Paths(self.settings.directory).release(self.release_id), *argv)
        return compose.by_owner(*argv)

    @property
    def _record(self) -> str:
        return f"{Paths(self.settings.directory).state}/recovering"
