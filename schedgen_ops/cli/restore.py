"""What `inv backup.restore` and `inv backup.discard` do with an operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from schedgen_ops import strangers
from schedgen_ops.backup.catalog import selection, superseded
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.elsewhere import Elsewhere, on_each
from schedgen_ops.backup.restore.row_diff import following, row_diff
from schedgen_ops.backup.restore.run import DATA, Restore
from schedgen_ops.cli import lost_host, offsite
from schedgen_ops.cli.backup import catalog_of, holders_of_data
from schedgen_ops.cli.locking import awaited, locked
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation
from schedgen_ops.text import size
from schedgen_ops.verify import serving

if TYPE_CHECKING:
    from schedgen_ops.swarm.data_node import Users

_LINES = 12
_DISCARDING = "Discarding what restores put aside"


def restore(op: Operation, wanted: str, only: str, discard_old: bool, from_offsite: bool = False) -> None:
    """Restore a backup on every host that has it, after asking; where nothing runs, with its release.

    Args:
        only: database or objects; "" for both.
        from_offsite: whether it is brought from the offsite remote first.
        discard_old: whether what was there before is removed at once.

    Raises:
        ConfigError: for a part that is none.
        OpsError: where it failed; the old data is in place then.
    """
    if only not in ("", *DATA):
        raise ConfigError(f"--only is database or objects, not {only!r}")
    if op.placed:
        from schedgen_ops.swarm import emergency

        emergency.refuse_down(op.placed, op.nodes.names[0])
    parts = frozenset({only}) if only else DATA
    awaited(op, begun=("restore", "Restore"))
    if not from_offsite:
        _restore(op, wanted, _found(op, wanted), parts, discard_old=discard_old)
        return
    pulls = offsite.pulling(op)
    found = offsite.offered(op, pulls, wanted)
    fetch = partial(offsite.bring, op, pulls, found)
    if op.placed or not lost_host.is_lost(op):
        _restore(op, wanted, found, parts, discard_old=discard_old, fetch=fetch)
    elif only or discard_old:
        text = "where nothing runs, all of a backup is restored"
        raise ConfigError(text, hint="Give no more than --from-offsite.")
    else:
        lost_host.bring_home(op, found, fetch)


def _restore(
    op: Operation,
    wanted: str,
    found: dict[str, Manifest],
    parts: frozenset[str],
    *,
    discard_old: bool,
    fetch: Callable[[], None] | None = None,
) -> None:
    notes = _notes(op, found, parts, discard_old)
    if not op.ui.confirm("Do you want to restore it?", *notes, yes=op.options.yes):
        raise Refused("nothing was changed")
    todo = {name: Restore(op.context(op.fleet[name]), backup, parts) for name, backup in found.items()}
    fleet = op.fleet.only(list(todo))
    users = _users(op, todo)
    steps = restoring(op, fleet, todo, discard_old, users)
    if fetch:
        steps = (Step("", offsite.FETCHING, fetch, gate=True), *steps)
    op.begin("restore", "Restore", steps=tuple((step.number, step.title) for step in steps))
    with locked(op, op.fleet, "restore", wanted) as held:
        strangers.refuse_all(op.fleet, op.context)
        half.put_back_all(fleet if op.placed else op.fleet, op.context)
        runner = StepRunner(op.emit, op.clock, serving=lambda: old_data(op), regain=held.regain)
        runner.run(steps)
        if not discard_old:
            on_each(fleet, todo, Restore.settle)
    old = () if discard_old else tuple(f"{name}: {text}" for name, one in todo.items() for text in one.kept)
    gap = users.away if users else max(one.gap for one in todo.values())
    backups = ", ".join(sorted({one.backup.id for one in todo.values()}))
    op.end(
        "Restore Complete",
        f"The restored data serves; what uses it was away for {gap:.1f}s",
        (("Backup", backups), ("Kept", ", ".join(old) or "nothing")),
    )


def restoring(
    op: Operation,
    fleet: Fleet,
    todo: dict[str, Restore],
    discard_old: bool = False,
    users: Users | None = None,
) -> tuple[Step, ...]:
    """Return the steps of a restore on every host of `fleet`; each is undone when a later one fails.

    Args:
        users: who uses the data of a Swarm, stopped while it is exchanged; None for Compose.
    """

    def each(action: Callable[[Restore], None]) -> Callable[[], None]:
        return lambda: on_each(fleet, todo, action)

    def check() -> None:
        if users:
            users.check()
        each(Restore.check)()

    around = (
        partial(users.around, data=fleet, context=op.context)
        if users
        else Elsewhere(op.context, op.settings, op.fleet, todo).around
    )

    def exchanging(way: Callable[[Restore], None]) -> Callable[[], None]:
        def run() -> None:
            if users:
                each(_hold)()
            around(each(way))

        return run

    there, back = exchanging(Restore.swap), exchanging(Restore.back)
    steps = (
        Step("", "Checking the backup", check, gate=True),
        Step("", "Restoring beside what serves", each(Restore.prepare), undo=each(Restore.drop)),
        Step("", "Exchanging", there, undo=back, settles=True),
    )
    old = Step("", "Discarding what was there before", each(Restore.discard_old))
    return (*steps, old) if discard_old else steps


def _hold(one: Restore) -> None:
    one.held.hold()


def _users(op: Operation, todo: Mapping[str, Restore]) -> Users | None:
    """Who uses the data of a Swarm; None where Compose runs the services."""
    if not op.placed:
        return None
    from schedgen_ops.swarm.data_node import Users, users_of

    files = [{"database": one.backup.database, "objects": one.backup.archive} for one in todo.values()]
    there = {part for held in files for part, file in held.items() if file}
    parts = there & {part for one in todo.values() for part in one.parts}
    return Users(op.context(op.nodes.hosts[0]), users_of(op.settings, parts))


def old_data(op: Operation, *, any_data: bool = True) -> str:
    """Return what is said once everything was taken back.

    Args:
        any_data: whether there was data to take back.

    Raises:
        OpsError: where what serves does not pass its checks.
    """
    if op.placed:
        from schedgen_ops.swarm import shut

        written = op.placed.written
        known = shut.closing(op.nodes, lambda at: replace(op.context(at), settings=written))
        serving.prove(op.nodes.only(op.placed.having), known)
    else:
        serving.prove(op.fleet, op.context)
    return "The old data is in place, and everything answers" if any_data else "Everything answers"


def _found(op: Operation, wanted: str) -> dict[str, Manifest]:
    """The backup on every host that has it."""
    found: dict[str, Manifest] = {}
    missing: list[ConfigError] = []
    for remote in holders_of_data(op):
        try:
            found[remote.name] = selection.named(catalog_of(op, remote), wanted, remote.name)
        except ConfigError as error:
            missing.append(error)
    if not found:
        raise missing[0]
    return found


def _notes(
    op: Operation, found: dict[str, Manifest], parts: frozenset[str], discard_old: bool
) -> Iterable[str]:
    yield f"WARNING: This will replace {' and '.join(sorted(parts))} with those of a backup"
    for name, backup in found.items():
        yield f"{name}: {backup.id}, made {backup.created} from release {backup.release or 'unknown'}"
        yield from lost(op, op.fleet[name], backup) if "database" in parts else ()
    yield "What is there now is removed at the end" if discard_old else "What is there now is kept beside it"


def lost(op: Operation, remote: Remote, backup: Manifest) -> tuple[str, ...]:
    """Return what a restore of the database would change, in lines to read before answering."""
    host = op.context(remote)
    try:
        lines = [f"  {each}" for each in row_diff(host, backup)]
        slots = following(host)
    except OpsError as error:
        return (f"  What would be lost is not known: {error.message}",)
    more = [f"  ... and {len(lines) - _LINES} more tables"] if len(lines) > _LINES else []
    rows = (*lines[:_LINES], *more) or ("  Every table has as many rows now as it had then",)
    names = ", ".join(slots)
    what = engine_of(op.settings.database.engine).followers_are.capitalize() if op.settings.database else ""
    ends = f"  {what} end with the old database, and their readers begin anew: {names}"
    return (*rows, ends) if slots else rows


def discard(op: Operation) -> None:
    """Remove what restores put aside, on every host that holds data, after asking."""
    fleet = holders_of_data(op)
    awaited(op, fleet, begun=("discard", _DISCARDING))
    found = fleet.each(lambda remote: superseded.look(op.context(remote))).values()
    kept = dict(zip(fleet.names, found, strict=True))
    lines = [f"{host}: {name} ({size(count)})" for host, each in kept.items() for name, count in each.items()]
    if not lines:
        raise Refused("no restore put anything aside")
    if not op.ui.confirm("Do you want to remove it for good?", *lines, yes=op.options.yes):
        raise Refused("nothing was changed")
    op.begin("discard", _DISCARDING, steps=(("", "Discarding"),))
    with locked(op, fleet, "discard"):
        strangers.refuse_all(fleet, op.context)
        half.refuse(fleet, op.context)
        one = partial(_discard, op, kept)
        step = Step("", "Discarding", fleet.everywhere(one), gate=True, lasting=True)
        StepRunner(op.emit, op.clock).run((step,))
    op.end("Discarded", f"{len(lines)} removed")


def _discard(op: Operation, kept: dict[str, Mapping[str, int]], remote: Remote) -> None:
    if names := tuple(kept[remote.name]):
        superseded.discard(op.context(remote), names)
