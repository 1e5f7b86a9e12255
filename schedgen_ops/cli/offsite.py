"""What `inv backup.push`, `inv backup.pull` and `inv backup.fetch` do with an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from schedgen_ops import events
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.offsite import push as pushing
from schedgen_ops.backup.offsite.fetch import Fetch
from schedgen_ops.backup.offsite.pull import Pull
from schedgen_ops.cli import catalog
from schedgen_ops.cli.backup import holders_of_data
from schedgen_ops.cli.catalog import HostShare
from schedgen_ops.cli.locking import locked
from schedgen_ops.commands.rclone import RcloneRemote
from schedgen_ops.errors import ConfigError
from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.settings import Offsite
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation, log_folder

FETCHING = "Fetching the offsite copy"


def push(op: Operation, wanted: str) -> None:
    """Copy every host's share of a backup to the offsite remote.

    Raises:
        ConfigError: where no remote is configured, or a secret of it is missing.
    """
    offsite, target = _remote(op)
    found = catalog.chosen(op, wanted)

    def share(part: HostShare) -> None:
        done = pushing.Push(op.context(part.remote), offsite, target)(part.backup)
        assert done.offsite is not None
        op.emit(events.Fact("offsite", done.offsite.where, part.remote.name))

    name = found[0].backup.id
    _run(op, "backup.push", "Offsite Copy", "Copying", found, share)
    op.end("Offsite Copy Complete", facts=(("Backup", name), ("Remote", offsite.path)))


def pull(op: Operation, wanted: str) -> None:
    """Bring every host's share of a backup back from the offsite remote.

    Raises:
        ConfigError: where no remote is configured, or a secret of it is missing.
    """
    pulls = pulling(op)
    fleet = op.fleet.only(list(pulls))
    op.begin("backup.pull", "Pull Backup", (("Backup", wanted),), (("", "Fetching"),))

    def one(remote: Remote) -> None:
        pull = pulls[remote.name]
        backup = pull.offered(wanted)
        pull(backup)
        op.emit(events.Fact("backup", backup.id, remote.name))

    with locked(op, fleet, "backup pull", wanted):
        step = Step("", "Fetching", fleet.everywhere(one), gate=True)
        StepRunner(op.emit, op.clock).run((step,))
    op.end("Pull Complete")


def pulling(op: Operation) -> dict[str, Pull]:
    """Return what brings backups back from the offsite remote, for each host that holds data.

    Raises:
        ConfigError: where no remote is configured, or a secret of it is missing.
    """
    return {remote.name: pull_to(op, remote) for remote in holders_of_data(op)}


def pull_to(op: Operation, remote: Remote) -> Pull:
    """Return what brings backups to one host.

    Raises:
        ConfigError: where no remote is configured, or a secret of it is missing.
    """
    offsite, target = _remote(op)
    if not op.placed:
        return Pull(op.context(remote), offsite, target)
    from schedgen_ops.swarm import data_node

    # rclone is run in the project's folder, which a node has once it has a backup.
    data_node.ready(op.context(remote))
    # Copies are kept by the name of the host; the database may have run on another one.
    others = tuple(name for name in op.nodes.names if name != remote.name)
    return Pull(op.context(remote), offsite, target, others)


def offered(op: Operation, pulls: Mapping[str, Pull], wanted: str) -> dict[str, Manifest]:
    """Return the backup as the offsite remote has it, for every host that holds data."""
    fleet = op.fleet.only(list(pulls))
    found = fleet.each(lambda remote: pulls[remote.name].offered(wanted)).values()
    return dict(zip(fleet.names, found, strict=True))


def bring(op: Operation, pulls: Mapping[str, Pull], found: Mapping[str, Manifest]) -> None:
    """Bring backups from the offsite remote to their hosts."""
    op.fleet.only(list(pulls)).each(lambda remote: pulls[remote.name](found[remote.name])).values()


def _remote(op: Operation) -> tuple[Offsite, RcloneRemote]:
    offsite = op.settings.backup.offsite
    if offsite is None:
        raise ConfigError(
            "no remote is configured",
            hint="Say in backup.offsite where copies go; config/production.yaml has an example.",
        )
    return offsite, pushing.credentials(offsite)


def fetch(op: Operation, wanted: str, to: str) -> None:
    """Copy every host's share of a backup to this machine, below `to`/HOST/ID."""
    found = catalog.chosen(op, wanted)
    root = Path(to).expanduser() if to else log_folder(op.settings.environment) / "backups"
    name = found[0].backup.id

    def share(part: HostShare) -> None:
        target = (root / part.remote.name / name).absolute()
        source = f"{op.settings.directory}/{op.settings.backup.directory}/{name}"
        if op.settings.backup.directory.startswith("/"):
            source = f"{op.settings.backup.directory}/{name}"
        Fetch(part.remote, source, target, op.emit)(part.backup)
        events.info(
            op.emit, f"{target}: complete, size and SHA-256 are those of the manifest", part.remote.name
        )
        op.emit(events.Fact("fetched", str(target), part.remote.name))

    _run(op, "backup.fetch", "Fetch Backup", "Fetching", found, share)
    op.end("Fetch Complete", facts=(("Backup", name), ("Folder", str(root.absolute()))))


def _run(
    op: Operation,
    command: str,
    title: str,
    step: str,
    found: tuple[HostShare, ...],
    share: Callable[[HostShare], None],
) -> None:
    """One step on all hosts at once; it changes nothing that serves, so that its error is told as it is."""
    by_host = {part.remote.name: part for part in found}
    fleet = Fleet([part.remote for part in found])

    everywhere = fleet.everywhere(lambda remote: share(by_host[remote.name]))
    op.begin(command, title, (("Backup", found[0].backup.id),), (("", step),))
    StepRunner(op.emit, op.clock).run((Step("", step, everywhere, gate=True),))
