"""The data that a rollback takes back too: the backup that was made while the older release served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.create import run
from schedgen_ops.backup.restore.elsewhere import Elsewhere, on_each
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf
from schedgen_ops.release.record import ReleaseId, backup_of
from schedgen_ops.release.store import Shelf
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class RestoredData:
    """Restores on the hosts that hold the database.

    Attributes:
        todo: by the name of the host.
    """

    context_of: ContextOf
    settings: Settings
    fleet: Fleet
    todo: Mapping[str, Restore]
    _elsewhere: Elsewhere = field(init=False)

    def __post_init__(self) -> None:
        # One for both ways: the way back has to know how far the way there came.
        elsewhere = Elsewhere(self.context_of, self.settings, self.fleet, self.todo)
        object.__setattr__(self, "_elsewhere", elsewhere)

    def check(self) -> None:
        """Make sure that the backups are whole and that there is a database to replace; change nothing."""
        self._each(Restore.check)

    def prepare(self) -> None:
        """Restore the backups beside what serves."""
        self._each(Restore.prepare)

    def drop(self) -> None:
        """Remove what was restored and did not take its place."""
        self._each(Restore.drop)

    def swap(self) -> None:
        """Swap what was restored in for what serves."""
        self._around(Restore.swap)

    def back(self) -> None:
        """Swap what was there before in again."""
        self._around(Restore.back)

    def settle(self) -> None:
        """End what follows the old database, once the restored one stays."""
        self._each(Restore.settle)

    def _around(self, action: Callable[[Restore], None]) -> None:
        self._each(Restore.look_again)
        self._elsewhere.around(lambda: self._each(action))

    def _each(self, action: Callable[[Restore], None]) -> None:
        on_each(self.fleet, self.todo, action)


def of_release(
    context_of: ContextOf,
    settings: Settings,
    fleet: Fleet,
    shelves: Mapping[str, Shelf],
    target: ReleaseId,
) -> RestoredData:
    """Return what is to be restored for `target` on each host that holds the database.

    Raises:
        Refused: where a host has no good backup of it.
    """
    database = settings.database
    holders = {host.name for host in settings.hosts_running(database.service)} if database else set()
    chosen = fleet.only(tuple(name for name in fleet.names if name in holders))
    if not len(chosen):
        raise Refused("no database is configured for these hosts")
    todo = {}
    for remote in chosen:
        shelf = shelves[remote.name]
        name = backup_of(shelf.releases, target, shelf.current).rpartition("/")[2]
        if not name:
            raise Refused(
                f"no backup is known that was made while {target} served",
                host=remote.name,
                hint="`inv backup.list` shows what there is; `inv backup.restore ID` restores one.",
            )
        host = context_of(remote)
        backup = selection.named(run.catalog(host), name, remote.name)
        todo[remote.name] = Restore(host, backup, DATABASE)
    return RestoredData(context_of, settings, fleet, todo)
