"""The making, listing and verifying of backups on a host."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from schedgen_ops import events
from schedgen_ops.backup.catalog import host_time, manifest, remote_commands
from schedgen_ops.backup.catalog.manifest import BackupState, Kind, Manifest
from schedgen_ops.backup.create import failing, integrity, scripts
from schedgen_ops.backup.data_location import locate
from schedgen_ops.clock import stamp
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import CommandFailed, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import HostSettings, Settings

_UNLISTED = (
    "the table {} does not list migrations by id and name: which are applied is not noted; "
    "migrations.table names another one, or null"
)
_NOTHING = "`database`, `objects` and `env_file` in the configuration say what there is."
Source = failing.Source
ALL = frozenset({"database", "objects", "config"})


def create(
    host: HostContext,
    kind: Kind,
    source: Source,
    parts: frozenset[str] = ALL,
    totals: dict[str, int] | None = None,
    at: datetime | None = None,
) -> Manifest:
    """Make a backup on a host, check it, and return its manifest.

    Args:
        kind: why it is made.
        parts: database, objects, config; what does not belong on this host is left out.
        totals: bytes that each part may come to, where that is known, for the progress.
        at: the time that it is named after; by default the host's own.

    Raises:
        Refused: where there is nothing to back up, or it does not run.
        OpsError: when any part or check of it failed; then a record without data says FAILED and why.
    """
    settings, clock = host.settings, host.clock
    chosen, image = _parts(settings, host.entry, source, parts)
    now, number = _place(host)
    created, begun = at or now, clock.monotonic()
    name = manifest.backup_id(kind, created)
    folder = f"{settings.backup.directory}/{name}"

    def finished() -> str:
        return stamp(created + timedelta(seconds=clock.monotonic() - begun))

    started = Manifest(
        id=name,
        release=source.release_id,
        commit=source.commit,
        state=BackupState.STARTED,
        created=stamp(created),
        finished="",
        files=(),
        image=image,
        engine=chosen.location.of_database.engine,
        number=number,
    )
    host.say(f"Backup directory: {folder}")
    try:
        written = _write(host, folder, started, chosen, totals or {})
        if written.facts.unlisted:
            host.warn(_UNLISTED.format(chosen.table))
        made = _done(started, written)
        made = replace(made, finished=finished(), seconds=round(clock.monotonic() - begun, 1))
        host.in_project(remote_commands.finish(folder, made))
    except CommandFailed as error:
        if error.code == scripts.NOTHING:
            raise Refused(scripts.reason(error.detail)[0], host=host.name, hint=_NOTHING) from error
        failure = failing.failure(error, settings, failing.gone(host, source))
        record = manifest.failed(started, failure.message, finished(), clock.monotonic() - begun)
        with suppress(CommandFailed):
            host.in_project(remote_commands.fail(folder, record))
        raise failure from error
    host.say("Backup integrity verified successfully")
    return made


def _place(host: HostContext) -> tuple[datetime, int]:
    """The time on the host, and the number that follows those of the backups there."""
    settings = host.settings
    backups = remote_commands.list_(settings.backup.directory).in_dir(settings.directory)
    clock, listed = host.remote.batch([host_time.ask(), backups], deadline=60)
    found = remote_commands.parse_catalog(listed.stdout).backups
    return host_time.parse(clock.stdout), max((backup.number for backup in found), default=0) + 1


def _write(
    host: HostContext,
    folder: str,
    started: Manifest,
    chosen: scripts.Parts,
    totals: dict[str, int],
) -> scripts.Made:
    ours: list[str] = []
    others: list[str] = []
    written: set[str] = set()

    def on_line(line: str) -> None:
        if progress := scripts.parse_progress(line):
            part, done = progress
            # A total is an estimate: what has reached it is not over yet.
            total = max(totals[part], round(done * 1.02) + 1) if part in totals else 0
            if part not in written:
                host.emit(events.Progress(part, done, total, "bytes", host.name))
        elif part := scripts.parse_written(line):
            written.add(part)
            host.emit(events.Progress(part, 1, 1, "bytes", host.name))
        elif line.startswith(scripts.ANSWERS):
            ours.append(line)
        else:
            others.append(line)
            host.emit(events.Output(line, host.name))

    how = host.settings.backup
    command = scripts.create(folder, how.compression, how.format, chosen, started)
    try:
        host.remote.stream(command.in_dir(host.settings.directory), on_line, deadline=how.deadline)
    except CommandFailed as error:
        error.detail = "\n".join(others[-20:])
        raise
    return scripts.parse_made(ours)


def _done(started: Manifest, made: scripts.Made) -> Manifest:
    about = made.facts
    verified = ("SHA-256",)
    with_data = replace(started, files=made.files)
    if with_data.database or with_data.archive:
        dump = {"plain": ("end of dump",), "custom": ("format of the dump",)}
        verified = ("archive integrity", *dump.get(with_data.database_format, ()), *verified)
    return replace(
        with_data,
        state=BackupState.DONE,
        objects=made.objects,
        verified=verified,
        server=about.server,
        rows=about.rows,
        migrations=about.migrations,
        roles=about.roles,
        sizes=made.sizes,
        properties=about.properties,
    )


def _parts(
    settings: Settings, host: HostSettings, source: Source, wanted: frozenset[str]
) -> tuple[scripts.Parts, str]:
    """What is to be backed up here, and the image of the database."""
    database, objects = settings.database, settings.objects
    location, image, table = locate(settings, (), ""), "", ""
    if "database" in wanted and database and host.runs(database.service):
        box = _running(database.service, source, host)
        location, image = replace(location, database=box.id), box.image
        table = (settings.migrations.table or "") if settings.migrations else ""
    if "objects" in wanted and objects and host.runs(objects.service):
        box = _running(objects.service, source, host)
        location = replace(location, objects=box.id, image=box.image)
    chosen = scripts.Parts(location, table=table)
    # On a Swarm the env file and the definition are the first host's alone.
    if "config" in wanted and (not settings.on_swarm or host.name == settings.hosts[0].name):
        compose = f"{Paths(settings.directory).release(source.release_id)}/compose.yaml"
        chosen = replace(
            chosen, env_file=settings.env_file, compose_file=compose if source.release_id else ""
        )
    if chosen.empty:
        raise Refused(
            "there is nothing to back up: neither the database nor the object store belongs here",
            host=host.name,
            hint=_NOTHING,
        )
    return chosen, image


def _running(service: str, source: Source, host: HostSettings) -> engine.Container:
    container = source.container(service)
    if not container:
        raise Refused(
            f"{service} is not running, and a backup without its data would be none",
            host=host.name,
            hint=f"`inv ops.start {service}` starts it, `inv logs {service}` tells what it said.",
        )
    return container


def catalog(host: HostContext) -> remote_commands.Catalog:
    """Return the catalog of a host: everything in its backups' folder."""
    listed = host.in_project(remote_commands.list_(host.settings.backup.directory))
    return remote_commands.parse_catalog(listed.stdout)


def listed(host: HostContext) -> tuple[Manifest, ...]:
    """Return the good backups of a host, newest first."""
    return catalog(host).good


def verify(host: HostContext, backup: Manifest) -> tuple[str, ...]:
    """Read every file of a backup to its end, and return what is wrong; () if nothing is."""
    config = host.settings.backup
    command = integrity.verify(f"{config.directory}/{backup.id}", backup)
    return integrity.parse_verified(host.in_project(command, config.deadline).stdout, backup)
