"""Starts the prober on every host, tells it of the phases, and fetches what it saw."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from schedgen_ops.commands import files
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.probe import commands
from schedgen_ops.probe.report import Report, merged, parse, report
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Hold, Remote
from schedgen_ops.settings import Settings

_LONGEST = 6 * 3600.0
_SILENCE = 60
_PAUSE = 0.1
_LIMIT = 64 * 1024 * 1024


@dataclass(slots=True)
class Prober:
    """Probers at work, one on every host that has something to ask.

    Attributes:
        seen: the result, once they were stopped.
    """

    fleet: Fleet
    settings: Settings
    seen: Report | None = None
    _holds: dict[str, Hold] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def file(self) -> str:
        """Where the answers are kept on a host."""
        return f"{Paths(self.settings.directory).state}/probe"

    def phase(self, name: str) -> None:
        """From now on it is another phase."""
        for hold in self._holds.values():
            with suppress(OpsError):
                hold.send(name)

    def start(self) -> None:
        """Begins to ask, on every host."""
        for remote in self.fleet.hosts:
            checks = self.settings.checks_on(self.settings.host(remote.name))
            if checks:
                patience = max(5.0, *(check.within * 2 for check in checks))
                command = commands.probe(self.file, checks, silence=_SILENCE, pause=_PAUSE, patience=patience)
                self._holds[remote.name] = remote.hold(command, deadline=_LONGEST)
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._over.wait(_SILENCE / 4):
            self.phase("")

    def stop(self) -> Report:
        """Ends the probers and reckons what they saw; a host that cannot tell any more counts for nothing."""
        self._over.set()
        for hold in self._holds.values():
            hold.close()
        outcomes = self.fleet.only(tuple(self._holds)).each(self._fetch)
        self.seen = replace(merged(outcomes.ok.values()), silent=tuple(outcomes.errors))
        return self.seen

    def _fetch(self, remote: Remote) -> Report:
        text = remote.run(files.read(self.file), deadline=60, limit=_LIMIT).stdout
        remote.run(files.remove(self.file), deadline=60, check=False)
        return report(parse(text))


@contextmanager
def probing(fleet: Fleet, settings: Settings) -> Iterator[Prober]:
    """Probers that run for as long as the block lasts."""
    prober = Prober(fleet, settings)
    try:
        prober.start()
        yield prober
    finally:
        if prober.seen is None:
            with suppress(OpsError, KeyboardInterrupt):
                prober.stop()
