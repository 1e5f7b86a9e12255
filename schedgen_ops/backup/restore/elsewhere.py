"""The restore on several hosts, and the services that use its data from hosts which hold none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schedgen_ops.backup.data_location import running
from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.run import Restore
from schedgen_ops.commands import stopped
from schedgen_ops.commands.docker import Container, Docker, grace
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings

_MARGIN = 300.0
# The record of what was stopped on hosts that use the data from elsewhere.
_RECORD = "elsewhere"


def on_each(fleet: Fleet, todo: Mapping[str, Restore], action: Callable[[Restore], None]) -> None:
    """Do something with each restore, on all of their hosts at once."""
    fleet.only(tuple(todo)).each(lambda remote: action(todo[remote.name])).values()


class Elsewhere:
    """The services that use the data from hosts which do not hold it: stopped while it is swapped."""

    def __init__(
        self, context_of: ContextOf, settings: Settings, fleet: Fleet, todo: Mapping[str, Restore]
    ) -> None:
        self._context_of, self._settings, self._fleet = context_of, settings, fleet
        database = settings.database
        shared = database and len(settings.hosts_running(database.service)) == 1
        self._todo = tuple(todo)
        self._hosts = [remote for remote in fleet if shared and remote.name not in todo]
        self._begun = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of those hosts."""
        return tuple(remote.name for remote in self._hosts)

    def around(self, action: Callable[[], None]) -> None:
        """Do something while they are stopped; start them again whatever happens, but on half-exchanged data.

        Then they stay on record as stopped: the way back starts them, or whoever comes next. Until something
        was done, this way or on the way there, no data can be half exchanged.
        """
        s, hosts = self._settings, {remote.name: self._using(remote) for remote in self._hosts}
        fleet = self._fleet.only([name for name, boxes in hosts.items() if boxes])

        def stop(remote: Remote) -> None:
            boxes = hosts[remote.name]
            ids = [box.id for box in boxes]
            command = stopped.stop(Docker(s.sudo), Paths(s.directory).state, _RECORD, ids)
            remote.run(command, deadline=_MARGIN + grace(boxes))

        def start(remote: Remote) -> None:
            command = stopped.start(Docker(s.sudo), Paths(s.directory).state, _RECORD)
            remote.run(command, deadline=_MARGIN)

        whole = False
        try:
            if len(fleet):
                fleet.each(stop).values()
            self._begun = True
            action()
            whole = True
        finally:
            if self._hosts and (whole or not self._begun or self._is_whole()):
                # On every host, whatever becomes of one; also what an earlier way stopped.
                self._fleet.only(self.names).each(start).values()

    def _is_whole(self) -> bool:
        halves = half.not_whole(self._fleet.only(self._todo), self._context_of)
        for remote in self._hosts if halves else ():
            text = f"What uses the data stays stopped here: it may be half exchanged on {', '.join(halves)}"
            self._context_of(remote).warn(text)
        return not halves

    def _using(self, remote: Remote) -> list[Container]:
        database = self._settings.database
        names = database.used_by if database else ()
        boxes = running(self._context_of(remote))
        return [box for box in boxes if box.service in names and box.status == "running"]
