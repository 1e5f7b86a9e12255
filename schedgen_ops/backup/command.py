"""What `inv backup` does with an operation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from schedgen_ops import events
from schedgen_ops.backup import commands, run
from schedgen_ops.backup.commands import DATABASE, OBJECTS
from schedgen_ops.backup.manifest import Kind, Manifest
from schedgen_ops.commands import git
from schedgen_ops.commands.docker import Docker, parse_containers
from schedgen_ops.engine import Engine, Step
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.operation import Operation
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.ui.tables import details
from schedgen_ops.ui.text import age, size


def _holders(op: Operation) -> Fleet:
    names = [host.name for host in op.settings.backup_hosts()]
    fleet = op.fleet.only(names)
    if not fleet.hosts:
        raise OpsError("none of these hosts holds anything to back up")
    return fleet


def create(op: Operation) -> None:
    """A backup by hand on every host that holds data."""
    fleet = _holders(op)
    op.begin("backup", "Backup", steps=(("", "Backup"),))
    paths = Paths(op.settings.directory)
    owner = lock.myself(op.clock, "backup", "")
    with lock.held(fleet, paths, owner, op.settings.lock.lease):
        Engine(op.emit, op.clock).run((Step("", "Backup", lambda: _create_all(op, fleet), gate=True),))
    op.end("Backup Complete")


def _create_all(op: Operation, fleet: Fleet) -> None:
    fleet.each(lambda remote: _create(op, remote)).values()


def _create(op: Operation, remote: Remote) -> Manifest:
    settings = op.settings
    listing = remote.run(Docker(settings.sudo).containers(settings.project), deadline=60)
    serving = store.read(remote, Paths(settings.directory)).serving
    containers = parse_containers(listing.stdout)
    if serving:
        source = run.Source(serving.id, serving.commit, containers)
    else:
        source = run.Source("", _commit(remote, settings), containers)
    made = run.create(remote, settings, Kind.MANUAL, source, op.clock, op.emit)
    op.emit(events.Fact("backup", made.id, remote.name))
    return made


def _commit(remote: Remote, settings: Settings) -> str:
    # Nothing was deployed by us yet: what is checked out is what runs, as far as anyone knows.
    answer = remote.run(git.work_tree().in_dir(settings.directory), deadline=60, check=False)
    return git.parse_work_tree(answer.stdout).commit if answer.ok else ""


def last(op: Operation) -> None:
    """The newest good backup of every host that holds data, and how to restore it.

    Raises:
        OpsError: where there is none.
    """
    for remote, found in _listed(op):
        if not found:
            raise OpsError("there is no good backup here", host=remote.name, hint="`inv backup` makes one.")
        facts = (("Host", remote.name), *_facts(op, found[0]), *_by_hand(op.settings, found[0]))
        op.ui.show(details(facts, title=op.titled("", remote.name)))


def _facts(op: Operation, backup: Manifest) -> tuple[tuple[str, str | int], ...]:
    return (
        ("Backup", backup.id),
        ("Location", f"{op.settings.directory}/{op.settings.backup.directory}/{backup.id}"),
        ("Created", f"{backup.created} ({_age(op, backup)})"),
        ("Size", size(backup.size)),
        ("Release", backup.release or backup.commit[:12]),
        ("Objects", backup.objects),
        ("Verified", ", ".join(backup.verified)),
    )


def _by_hand(settings: Settings, backup: Manifest) -> Iterator[tuple[str, str]]:
    folder = f"{settings.backup.directory}/{backup.id}"
    if settings.database and backup.has(DATABASE):
        line = commands.restore_database(settings.directory, folder, settings.database)
        yield "Restore the database", line
    if settings.objects and backup.has(OBJECTS):
        yield "Restore the objects", commands.restore_objects(settings.directory, folder, settings.objects)


def _listed(op: Operation) -> list[tuple[Remote, tuple[Manifest, ...]]]:
    fleet = _holders(op)
    found = fleet.each(lambda remote: run.listed(remote, op.settings)).values()
    return list(zip(fleet.hosts, found, strict=True))


def _age(op: Operation, backup: Manifest) -> str:
    return age(datetime.fromisoformat(backup.created), op.clock.now())
