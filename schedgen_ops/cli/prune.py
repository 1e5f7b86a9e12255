"""`inv backup.prune`: looks, decides, shows what and why, asks, looks again under the lock, removes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from schedgen_ops import events, strangers
from schedgen_ops.backup.catalog import host_time, remote_commands, removing, superseded
from schedgen_ops.backup.catalog.manifest import BackupState, Kind, Manifest, is_backup_id
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.backup.catalog.retention import Candidate, RetentionPolicy, RetentionVerdict, decide
from schedgen_ops.backup.restore import half
from schedgen_ops.cli.backup import keepers
from schedgen_ops.cli.locking import awaited, locked
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import kept
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation
from schedgen_ops.text import size
from schedgen_ops.ui.tables import Column, Table

_PART = ".part"


@dataclass(frozen=True, slots=True)
class Prunable:
    """What is on a host at `now`, by its clock: candidates, and what kept releases may need of them."""

    candidates: tuple[Candidate, ...]
    needed: dict[str, str]
    now: datetime


def prune(op: Operation) -> None:
    """Remove what no rule of `retention` holds, once the operator has seen it and said yes.

    Raises:
        Refused: when the answer was no.
    """
    fleet = keepers(op)
    awaited(op, fleet)
    plans = fleet.each(lambda remote: _decided(op, remote)).values()
    gone = {
        remote.name: {verdict.name: verdict for verdict in verdicts if not verdict.keep}
        for remote, verdicts in zip(fleet.hosts, plans, strict=True)
    }
    op.ui.show(_table(dict(zip(fleet.names, plans, strict=True))))
    count = sum(map(len, gone.values()))
    if not count:
        return
    freed = sum(verdict.size for verdicts in gone.values() for verdict in verdicts.values())
    question = f"Remove {count} of these for good, {size(freed)}?"
    if not op.ui.confirm(question, yes=op.options.yes):
        raise Refused("nothing was removed")
    op.begin("backup.prune", "Pruning Backups", steps=(("", "Removing"),))
    with locked(op, fleet, "backup.prune"):
        strangers.refuse_all(fleet, op.context)
        if any(not _is_folder(name) for verdicts in gone.values() for name in verdicts):
            half.refuse(fleet, op.context)
        everywhere = fleet.everywhere(lambda remote: _remove(op, remote, set(gone[remote.name])))
        StepRunner(op.emit, op.clock).run((Step("", "Removing", everywhere, gate=True, lasting=True),))
    op.end("Pruning Complete")


def _decided(op: Operation, remote: Remote) -> tuple[RetentionVerdict, ...]:
    found = look(op.context(remote))
    candidates = (*found.candidates, *_asides(op, remote))
    policy = RetentionPolicy(op.settings.backup.keep_days, op.settings.backup.keep)
    return decide(candidates, found.needed, policy, found.now)


def _asides(op: Operation, remote: Remote) -> Iterator[Candidate]:
    """What restores put aside in the database and the volume; services that are down keep theirs."""
    try:
        found = superseded.look(op.context(remote))
    except OpsError as error:
        text = f"what restores put aside cannot be looked at, and stays: {error.message}"
        events.warn(op.emit, text, remote.name)
        return
    for name, count in found.items():
        yield Candidate(name, "superseded", _made(name), size=count)


def look(host: HostContext) -> Prunable:
    """Return everything with a name of ours in the backups' folder, and what releases need of it."""
    settings, directory = host.settings, host.settings.backup.directory
    asked = (remote_commands.list_(directory), removing.survey(directory))
    told = store.read_command(Paths(settings.directory))
    commands = [host_time.ask(), *(command.in_dir(settings.directory) for command in asked)]
    if host.records:
        clock, listed, surveyed = host.remote.batch(commands, deadline=300)
        records = host.records.run(told, deadline=60)
    else:
        clock, listed, surveyed, records = host.remote.batch([*commands, told], deadline=300)
    sizes = removing.parse_survey(surveyed.stdout)
    catalog = remote_commands.parse_catalog(listed.stdout)
    candidates = tuple(_candidates(catalog, sizes))
    releases = store.parse_shelf(records.stdout)
    stay = kept(releases.releases, releases.current, settings.releases.keep)
    needed: dict[str, str] = {
        PurePosixPath(release.backup).name: release.id for release in stay if release.backup
    }
    if releases.unreadable:
        # Nobody knows what that release needs: every deploy's backup may be it.
        before = {c.name for c in candidates if c.name.startswith(Kind.PRE_DEPLOYMENT)}
        needed = dict.fromkeys(before, "with an unreadable record") | needed
    return Prunable(candidates, needed, host_time.parse(clock.stdout))


def _candidates(catalog: Catalog, sizes: dict[str, int]) -> Iterator[Candidate]:
    known: dict[str, Manifest] = {
        backup.id: backup for backup in catalog.backups if backup.state is not BackupState.STARTED
    }
    for name, count in sizes.items():
        if name.endswith(_PART):
            if is_backup_id(name.removesuffix(_PART)):
                yield Candidate(name, "unfinished", _made(name), size=count)
        elif name in known:
            backup = known[name]
            made = datetime.fromisoformat(backup.created)
            if not backup.good:
                yield Candidate(name, "failed", made, backup.number, size=count)
            elif backup.kind is Kind.SAFETY:
                yield Candidate(name, "safety", made, backup.number, backup.proven, count)
            else:
                yield Candidate(name, "good", made, backup.number, backup.proven, count)
        elif is_backup_id(name):
            yield Candidate(name, "unreadable", _made(name), size=count)


def _is_folder(name: str) -> bool:
    """Whether it is in the backups' folder; else a restore put it aside."""
    return is_backup_id(name.removesuffix(_PART))


def _made(name: str) -> datetime | None:
    try:
        return datetime.strptime(name.removesuffix(_PART)[-15:], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _table(plans: dict[str, tuple[RetentionVerdict, ...]]) -> Table:
    rows = tuple(
        (host, verdict.name, "keep" if verdict.keep else "remove", verdict.size, verdict.why)
        for host, verdicts in plans.items()
        for verdict in sorted(verdicts, key=lambda verdict: verdict.keep)
    )
    columns = ("Host", "Backup", "Verdict", Column("Size", size, right=True), "Why")
    return Table(columns, rows, empty="No backups yet.")


def _remove(op: Operation, remote: Remote, agreed: set[str]) -> None:
    """What the operator agreed to and what may still go, now that nobody else is at work."""
    verdicts = {verdict.name: verdict for verdict in _decided(op, remote) if not verdict.keep}
    names = [name for name in verdicts if name in agreed]
    for name in sorted(agreed - verdicts.keys()):
        events.warn(op.emit, f"{name} stays after all: something changed since you were asked", remote.name)
    folders = [name for name in names if _is_folder(name)]
    put_aside = tuple(name for name in names if not _is_folder(name))
    if folders:
        command = removing.remove(op.settings.backup.directory, folders).in_dir(op.settings.directory)
        remote.run(command, deadline=600)
    if put_aside:
        superseded.discard(op.context(remote), put_aside)
    for name in names:
        events.info(op.emit, f"Removed {name}: {verdicts[name].why}", remote.name)
    freed = sum(verdicts[name].size for name in names)
    events.info(op.emit, f"{len(names)} removed, {size(freed)} freed", remote.name)
    op.emit(events.Fact("removed", names, remote.name))
