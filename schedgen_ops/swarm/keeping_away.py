"""Visitors of a Swarm who are turned away stay so while ingresses are replaced.

An ingress that starts anew lets them in: it is told as soon as it is there, and all are told at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from threading import Event

from schedgen_ops.commands import swarm_page
from schedgen_ops.commands.swarm_page import Noted
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import QUICK, ContextOf, HostContext
from schedgen_ops.ops import maintenance
from schedgen_ops.ops.maintenance import Closing
from schedgen_ops.proxy import chosen
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import turned_away
from schedgen_ops.swarm.turned_away import Routes
from schedgen_ops.workers import Worker

# Seconds for which a node looks for an ingress that starts anew before it is asked again, and between.
_LOOK, _PAUSE = 3, 0.2
_SETTLES = "`inv ops.maintenance on` tells all nodes again, `off` ends it"


@dataclass(frozen=True, slots=True)
class Ingresses:
    """The ingresses of a Swarm, and who tells them.

    Attributes:
        manager: has the note of who is turned away.
        nodes: those that answer.
        at: gives each its context.
    """

    manager: HostContext
    nodes: Fleet
    at: ContextOf

    @contextmanager
    def replaced(self, release: Release | None) -> Iterator[None]:
        """Keep away who is turned away while ingresses become those of a release, and tell all of them then.

        What cannot be done of it is a warning.

        Args:
            release: None for none.
        """
        noted = self._noted() if release else None
        if noted is None or release is None:
            yield
            return
        behind = maintenance.by_ports(release)
        names = tuple(name for name in noted.services if name in behind)
        closing = Closing(b"", names, noted.hold, noted.health, noted.what)
        known = maintenance.led(behind, names) if names or not noted.services else {}
        with self._followed(closing, known):
            yield
        with self._warned():
            self._tell_of_lost(noted, names, known)
            self._told_again(closing, known)

    def again(self) -> None:
        """Tell all ingresses again, as the release that serves has them; what cannot be done is a warning."""
        with self._warned():
            shelf = store.read(self.manager.remote, Paths(self.manager.settings.directory))
            with self.replaced(shelf.serving):
                pass

    def astray(self, release: Release) -> Iterator[tuple[str, str]]:
        """Yield the nodes where visitors get something else than is noted, and what is known of it."""
        if (noted := self._noted()) is None:
            return
        behind = maintenance.by_ports(release)
        closing = Closing(b"", noted.services, noted.hold, noted.health, noted.what)
        known = maintenance.led(behind, noted.services)
        told = turned_away.tell(self.nodes, self.at, closing, known, switch=False)
        for name, error in turned_away.amiss(told).items():
            yield name, str(error)

    def _noted(self) -> Noted | None:
        """What the first host notes; None where that is nothing, or is not known."""
        found = None
        with self._warned():
            answer = self.manager.run(swarm_page.noted(turned_away.note_of(self.manager)))
            try:
                found = swarm_page.parse(answer.stdout)
            except ValueError as error:
                raise OpsError(str(error)) from None
        return found

    @contextmanager
    def _warned(self) -> Iterator[None]:
        try:
            yield
        except OpsError as error:
            text = f"It is not known whether visitors are still turned away: {error}"
            self.manager.warn(f"{text}. {_SETTLES}")

    @contextmanager
    def _followed(self, closing: Closing, known: Routes) -> Iterator[None]:
        """While it lasts each node looks for itself: most ingresses start while others are waited for."""
        settings, over = self.manager.settings, Event()
        nodes = self.nodes.hosts if known else ()
        how = maintenance.closed(settings, known, closing)
        command = swarm_page.follow(self.manager.docker, settings.project, chosen(settings).name, _LOOK, how)

        def follow(remote: Remote) -> None:
            while not over.is_set():
                with suppress(OpsError):
                    self.at(remote).run(command, _LOOK + QUICK, check=False)
                over.wait(_PAUSE)

        workers = [Worker(partial(follow, remote), remote.name) for remote in nodes]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            over.set()
            for worker in workers:
                worker.join(2 * _LOOK)

    def _tell_of_lost(self, noted: Noted, names: Collection[str], known: Routes) -> None:
        lost = ", ".join(name for name in noted.services if name not in names)
        if not lost and known:
            return
        lost = lost or "all services"
        self.manager.warn(f"Visitors of {lost} are let in: the ingress does not lead to it any more")
        if names:
            # Who turned them away stays the last word of it.
            what, _, who = noted.what.partition(" (")
            kept = replace(noted, what=f"{what}, not those of {lost} any more ({who}", services=tuple(names))
            self.manager.run(swarm_page.note(turned_away.note_of(self.manager), kept))

    def _told_again(self, closing: Closing, known: Routes) -> None:
        if not known:
            turned_away.open_(self.manager, self.nodes, self.at, known)
            return
        told = turned_away.tell(self.nodes, self.at, closing, known)
        for name, error in turned_away.amiss(told).items():
            self.manager.warn(
                f"{name} may let visitors in, who are turned away elsewhere: {error}. {_SETTLES}"
            )
        if done := [name for name, result in told.ok.items() if result.ok]:
            self.manager.say(f"As before {closing.what}: told {', '.join(done)}")
