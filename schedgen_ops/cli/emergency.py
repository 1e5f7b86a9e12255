"""What `inv emergency` does with an operation."""

from __future__ import annotations

from collections.abc import Callable

from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.create import run as backups
from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.elsewhere import Elsewhere, on_each
from schedgen_ops.backup.restore.run import DATA, DATABASE, Restore
from schedgen_ops.cli import emergency_common as common
from schedgen_ops.cli.backup import holders
from schedgen_ops.cli.locking import awaited
from schedgen_ops.emergency.run import EmergencyHost
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation


def recover(op: Operation, wanted: str) -> None:
    """Take everything down, restore the data where there is any, start and verify everything; after asking.

    Args:
        wanted: a backup's id, or enough of its start; "" for the last good one.

    Raises:
        Refused: for a backup that is named where there is no data.
    """
    awaited(op, begun=("emergency", common.COMPLETE))
    found = _backups(op, wanted, needs_database=False) if _has_data(op) else {}
    if wanted and not found:
        raise Refused("these hosts hold no data that a backup could replace", hint="Leave out --id.")
    after = "put the data back from a backup" if found else "start it anew"
    common.ask(
        op,
        f"WARNING: This will take everything down and {after}",
        found,
        (
            "docker compose down (the volumes stay)",
            *(common.RESTORING if found else ()),
            "Start everything as the serving release has it",
            "Verify",
        ),
    )
    hosts = {remote.name: EmergencyHost(op.context(remote)) for remote in op.fleet}
    todo = _restores(op, found, DATA)

    def save(host: EmergencyHost) -> None:
        if host.remote.name in todo:
            host.safety(DATA)

    each, data = _each_host(op, hosts), _each_restore(op, todo)
    check = Step("", "Checking the backup", data(Restore.check_files), gate=True)
    restoring = (
        Step("", "Starting the database and the object store", each(EmergencyHost.up_data)),
        Step("", "Safety backup", each(save)),
        Step("", "Restoring", data(Restore.prepare)),
        Step("", "Exchanging", data(Restore.swap)),
    )
    steps = (
        Step("", "Looking", each(EmergencyHost.look), gate=True),
        *((check,) if todo else ()),
        Step("", "Stopping everything", each(EmergencyHost.down), settles=True),
        *(restoring if todo else ()),
        Step("", "Starting everything", each(EmergencyHost.up)),
        Step("", "Verification", each(EmergencyHost.verify)),
    )
    common.perform(op, common.COMPLETE, steps, todo, common.Doubt())


def database(op: Operation, wanted: str) -> None:
    """Stop what uses the database, restore it, start what was stopped; after asking.

    Args:
        wanted: a backup's id, or enough of its start; "" for the last good one.
    """
    awaited(op, begun=("emergency", common.CORRUPT))
    found = _backups(op, wanted, needs_database=True)
    settings = op.settings
    users = ", ".join(settings.database.used_by) if settings.database else ""
    common.ask(
        op,
        "WARNING: This will replace the database with that of a backup",
        found,
        common.exchange_of(users),
        lost_rows=True,
    )
    hosts = {remote.name: EmergencyHost(op.context(remote)) for remote in op.fleet}
    todo = _restores(op, found, DATABASE)

    def save(host: EmergencyHost) -> None:
        if host.remote.name in todo:
            host.safety(DATABASE)

    def stop(host: EmergencyHost) -> None:
        if host.remote.name in todo or host.remote.name in elsewhere.names:
            host.stop_users()

    def swap() -> None:
        doubt.any = True
        data(Restore.swap)()

    def start_again() -> None:
        common.refuse_half(half.not_whole(op.fleet.only(tuple(todo)), op.context) if doubt.any else ())
        each(EmergencyHost.start_users)()

    each, data, elsewhere, doubt = (
        _each_host(op, hosts),
        _each_restore(op, todo),
        Elsewhere(op.context, op.settings, op.fleet, todo),
        common.Doubt(),
    )
    steps = (
        Step("", "Checking the backup", data(Restore.check), gate=True),
        Step("", "Stopping what uses the database", each(stop), undo=start_again),
        Step("", "Safety backup", each(save)),
        Step("", "Restoring beside the old one", data(Restore.prepare), undo=data(Restore.drop)),
        Step("", "Exchanging", swap, undo=data(Restore.back), settles=True),
        Step("", "Starting what uses the database", each(EmergencyHost.start_users)),
        Step("", "Verification", each(EmergencyHost.verify)),
    )
    common.perform(op, common.CORRUPT, steps, todo, doubt)


def _has_data(op: Operation) -> bool:
    """Whether one of the chosen hosts runs a service that holds data."""
    services = [part.service for part in (op.settings.database, op.settings.objects) if part]
    return any(op.settings.host(name).runs(service) for name in op.fleet.names for service in services)


def _backups(op: Operation, wanted: str, *, needs_database: bool) -> dict[str, Manifest]:
    found = {}
    for remote in holders(op):
        host = op.settings.host(remote.name)
        catalog = backups.catalog(op.context(remote))
        backup = selection.named(catalog, wanted, host.name) if wanted else None
        if backup is None and needs_database:
            backup = selection.newest(catalog, database=True)
        backup = backup or selection.last(catalog, op.settings, host)
        if needs_database and backup.database is None:
            raise OpsError("there is no good backup of the database here", host=host.name)
        found[remote.name] = backup
    return found


def _restores(op: Operation, found: dict[str, Manifest], parts: frozenset[str]) -> dict[str, Restore]:
    return {name: Restore(op.context(op.fleet[name]), backup, parts) for name, backup in found.items()}


def _each_host(
    op: Operation, hosts: dict[str, EmergencyHost]
) -> Callable[[Callable[[EmergencyHost], None]], Callable[[], None]]:
    def each(action: Callable[[EmergencyHost], None]) -> Callable[[], None]:
        return lambda: _done(op.fleet.each(lambda remote: action(hosts[remote.name])).values())

    return each


def _each_restore(
    op: Operation, todo: dict[str, Restore]
) -> Callable[[Callable[[Restore], None]], Callable[[], None]]:
    def each(action: Callable[[Restore], None]) -> Callable[[], None]:
        return lambda: on_each(op.fleet, todo, action)

    return each


def _done(_: tuple[None, ...]) -> None:
    return None
