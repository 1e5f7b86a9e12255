"""What `inv backup` does with an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from schedgen_ops import events, strangers
from schedgen_ops.backup.catalog import host_time, remote_commands, selection
from schedgen_ops.backup.catalog.manifest import Kind, Manifest
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.backup.create import capacity, run
from schedgen_ops.backup.create.source import source_of
from schedgen_ops.backup.restore import drill
from schedgen_ops.backup.restore.run import DATA
from schedgen_ops.cli import hooking
from schedgen_ops.cli.locking import locked
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation
from schedgen_ops.text import age, duration, plural, size
from schedgen_ops.ui.tables import details

if TYPE_CHECKING:
    from schedgen_ops.swarm.data_node import Placed


def holders(op: Operation, parts: frozenset[str] = run.ALL) -> Fleet:
    """Return the chosen hosts that hold data, of one of these parts.

    Raises:
        Refused: where none does.
    """
    if op.placed:
        return _on_swarm(op, op.placed, parts)
    names = [host.name for host in op.settings.backup_hosts() if _holds(op.settings, host, parts)]
    fleet = op.fleet.only(names)
    if not fleet.hosts:
        raise Refused(
            "none of these hosts holds anything to back up",
            hint="`database` and `objects` in the config say what data there is.",
        )
    return fleet


def _on_swarm(op: Operation, placed: Placed, parts: frozenset[str]) -> Fleet:
    """The node of the database, and the first host, which alone has the env file."""
    data = {placed.node()} if parts & DATA else set()
    config = {op.nodes.names[0]} if "config" in parts else set()
    return op.nodes.only(data | config)


def holders_of_data(op: Operation) -> Fleet:
    """Return the chosen hosts that hold data: on a Swarm the node where the database runs.

    Raises:
        Refused: where none does.
    """
    return op.nodes.only({op.placed.node()}) if op.placed else holders(op)


def catalog_of(op: Operation, remote: Remote) -> Catalog:
    """Return what a host keeps; a node of a Swarm may not even have the project's folder."""
    if op.placed and not op.placed.having[remote.name].keeps:
        return Catalog(())
    return run.catalog(op.context(remote))


def keepers(op: Operation) -> Fleet:
    """Return the chosen hosts that may have backups: on a Swarm also nodes where the database ran before.

    Raises:
        Refused: where none does.
    """
    if not op.placed:
        return holders(op)
    first, having = op.nodes.names[0], op.placed.having
    return op.nodes.only([name for name, each in having.items() if each.keeps or name == first])


def _holds(settings: Settings, host: HostSettings, parts: frozenset[str]) -> bool:
    stored = {"database": settings.database, "objects": settings.objects}
    services = [part.service for name, part in stored.items() if part and name in parts]
    return "config" in parts or any(map(host.runs, services))


def create(op: Operation, parts: frozenset[str] = run.ALL) -> None:
    """Make a backup by hand on every host that holds data."""
    fleet = holders(op, parts)
    hooks = hooking.of(op, "backup", lock.myself(op.clock, "backup", "").person)
    op.begin("backup", "Backup", steps=(("", "Backup"),))
    with hooks.ending():
        hooks.before("pre-connect")
        if op.placed:
            from schedgen_ops.swarm import data_node

            fleet.each(lambda remote: data_node.ready(op.context(remote))).values()
        _back_up(op, fleet, parts, hooks)
    op.end("Backup Complete")


def _back_up(op: Operation, fleet: Fleet, parts: frozenset[str], hooks: hooking.Hooking) -> None:
    with locked(op, fleet, "backup"):
        strangers.refuse_all(fleet, op.context)
        hooks.before("pre-backup")
        one = partial(_create, op, parts=parts, at=host_time.together(fleet))
        step = Step("", "Backup", fleet.everywhere(one), gate=True)
        StepRunner(op.emit, op.clock).run((step,))


def _create(op: Operation, remote: Remote, *, parts: frozenset[str], at: datetime | None) -> Manifest:
    settings = op.settings
    # Where that is not possible, the backup itself says why.
    sweep = remote_commands.sweep(settings.backup.directory).in_dir(settings.directory)
    remote.run(sweep, deadline=60, check=False)
    host = op.context(remote)
    source = source_of(host)
    totals = capacity.ensured(host, source, parts)
    made = run.create(host, Kind.MANUAL, source, parts, totals, at)
    op.emit(events.Fact("backup", made.id, remote.name))
    return made


def last(op: Operation) -> None:
    """Show the newest good backup of every host that holds data, and how to restore it.

    Raises:
        OpsError: where there is none.
    """

    def newest(remote: Remote) -> Manifest:
        catalog = catalog_of(op, remote)
        for name in catalog.unreadable:
            events.warn(op.emit, f"{name} is no backup: its manifest is missing or was altered", remote.name)
        return selection.last(catalog, op.settings, op.settings.host(remote.name))

    def show(came: Mapping[str, Manifest]) -> None:
        for host, found in came.items():
            facts = (("Host", host), *_facts(op, found), *_restores(op.settings, found))
            op.ui.show(details(facts, title=op.titled("", host)))

    conclude(look(op, newest, show, holders_of_data(op)))


def _facts(op: Operation, backup: Manifest) -> tuple[tuple[str, str | int], ...]:
    facts: tuple[tuple[str, str | int], ...] = (
        ("Backup", backup.id),
        ("Location", f"{op.settings.directory}/{op.settings.backup.directory}/{backup.id}"),
        ("Created", f"{backup.created} ({age_of(op, backup.created)})"),
        ("Size", size(backup.size)),
        ("Release", backup.release or backup.commit[:12]),
        ("Rows", _rows(backup)),
        ("Objects", backup.objects),
        ("Verified", ", ".join(backup.verified)),
        ("Restore tried", proof(op, backup)),
    )
    return tuple((label, value) for label, value in facts if value != "")


def _rows(backup: Manifest) -> str:
    count = plural(sum(backup.rows.values()), "row")
    return f"{count} in {plural(len(backup.rows), 'table')}" if backup.rows else ""


def proof(op: Operation, backup: Manifest) -> str:
    """Return in words what the last drill of a backup showed."""
    drill = backup.drill
    if drill is None:
        return f"never; `inv backup.drill --id {backup.id}` does"
    return f"{drill.result} {age_of(op, drill.at)}, in {duration(drill.seconds)}"


def _restores(settings: Settings, backup: Manifest) -> Iterator[tuple[str, str]]:
    folder = f"{settings.backup.directory}/{backup.id}"
    yield "Restore it", f"inv backup.restore {backup.id} --env {settings.environment}"
    if settings.on_swarm:
        return
    if settings.database and backup.database:
        line = remote_commands.restore_database(
            settings.directory, folder, settings.database, backup.database
        )
        yield "The database by hand", line
    if settings.objects and backup.archive:
        line = remote_commands.restore_objects(settings.directory, folder, settings.objects, backup.archive)
        yield "The objects by hand", line


def verify(op: Operation, wanted: str) -> None:
    """Read a backup to its end on every host that has it: the named one, or the last.

    Raises:
        OpsError: where anything differs from what was written.
    """
    rows = Rows(op, ("Host", "Backup", "Verdict", "Checks"))

    def one(remote: Remote) -> tuple[Manifest, tuple[str, ...]]:
        host = op.context(remote)
        backup = selection.chosen(catalog_of(op, remote), wanted, host.settings, host.entry)
        return backup, run.verify(host, backup)

    def show(came: Mapping[str, tuple[Manifest, tuple[str, ...]]]) -> None:
        for host, (backup, wrong) in came.items():
            verdict = "damaged" if wrong else "good"
            rows.add([(host, backup.id, verdict, "; ".join(wrong) or ", ".join(backup.verified))])

    seen = look(op, one, show, holders_of_data(op))
    broken = [selection.broken(backup, wrong, host) for host, (backup, wrong) in seen.ok.items() if wrong]
    conclude(seen, *broken)


def prove(op: Operation, wanted: str) -> None:
    """Restore a backup into a throwaway container on every host that has it, and records the proof."""
    fleet = holders_of_data(op)
    op.begin("drill", "Restore drill", steps=(("", "Restore drill"),))
    with locked(op, fleet, "backup drill"):
        step = Step("", "Restore drill", fleet.everywhere(partial(_prove, op, wanted=wanted)), gate=True)
        StepRunner(op.emit, op.clock).run((step,))
    op.end("Drill Complete")


def _prove(op: Operation, remote: Remote, *, wanted: str) -> Manifest:
    host = op.context(remote)
    backup = selection.chosen(catalog_of(op, remote), wanted, host.settings, host.entry)
    host.say(f"Restoring {backup.id} into a throwaway container")
    if wrong := run.verify(host, backup):
        raise selection.broken(backup, wrong, remote.name)
    proven = drill.drill(host, backup)
    op.emit(events.Fact("backup", proven.id, remote.name))
    return proven


def age_of(op: Operation, time: str) -> str:
    """Return in words how long ago a time in a manifest was."""
    return age(datetime.fromisoformat(time), op.clock.now())
