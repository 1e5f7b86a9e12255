"""The data that a rollback takes back too: the backup that was made while the older release served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.create import run
from schedgen_ops.backup.restore.elsewhere import Elsewhere, on_each
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.deploy.pipeline import nothing
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.release.record import ReleaseId, backup_of
from schedgen_ops.release.store import Shelf
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class RestoredData:
    """Restores on the hosts that hold the database.

    Attributes:
        fleet: those hosts.
        todo: by the name of the host.
        around: does something while nobody uses the data from elsewhere. One for both ways: the way back has
            to know how far the way there came.
        ready: makes sure that who uses it can be stopped.
    """

    fleet: Fleet
    todo: Mapping[str, Restore]
    around: Callable[[Act], None]
    ready: Act = nothing

    def check(self) -> None:
        """Make sure that the backups are whole and that there is a database to replace; change nothing."""
        self.ready()
        self._each(Restore.check)

    def prepare(self) -> None:
        """Restore the backups beside what serves."""
        self._each(Restore.prepare)

    def drop(self) -> None:
        """Remove what was restored and did not take its place."""
        self._each(Restore.drop)

    def swap(self, then: Act = nothing) -> None:
        """Swap what was restored in for what serves.

        Args:
            then: what is done before anybody uses it from elsewhere.
        """
        self._around(Restore.swap, then)

    def back(self, then: Act = nothing) -> None:
        """Swap what was there before in again; `then` as for `swap`."""
        self._around(Restore.back, then)

    def settle(self) -> None:
        """End what follows the old database, once the restored one stays."""
        self._each(Restore.settle)

    def _around(self, action: Callable[[Restore], None], then: Act) -> None:
        def both() -> None:
            self._each(action)
            then()

        self._each(Restore.look_again)
        self.around(both)

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
    todo = {remote.name: restore_of(context_of(remote), shelves[remote.name], target) for remote in chosen}
    return RestoredData(fleet, todo, Elsewhere(context_of, settings, fleet, todo).around)


def restore_of(host: HostContext, shelf: Shelf, target: ReleaseId) -> Restore:
    """Return the restore of the database, on a host, from the backup that was made while `target` served.

    Args:
        shelf: the releases, as who has the records knows them.

    Raises:
        Refused: where no such backup is known.
        ConfigError: where the host does not have it.
    """
    name = backup_of(shelf.releases, target, shelf.current).rpartition("/")[2]
    if not name:
        raise Refused(
            f"no backup is known that was made while {target} served",
            host=host.name,
            hint="`inv backup.list` shows what there is; `inv backup.restore ID` restores one.",
        )
    return Restore(host, selection.named(run.catalog(host), name, host.name), DATABASE)
