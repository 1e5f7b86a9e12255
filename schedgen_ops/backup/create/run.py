"""The making, listing and verifying of backups on a host."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from schedgen_ops import events
from schedgen_ops.backup.catalog import host_time, manifest, remote_commands
from schedgen_ops.backup.catalog.manifest import Kind, Manifest, State
from schedgen_ops.backup.create import failing, integrity, scripts
from schedgen_ops.backup.data_location import locate
from schedgen_ops.clock import Clock, stamp
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import CommandFailed, Refused
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.settings import HostSettings, Settings

_UNLISTED = (
    "the table {} does not list migrations by id and name: which are applied is not noted; "
    "migrations.table names another one, or null"
)
_NOTHING = "`database`, `objects` and `env_file` in the configuration say what there is."
Source = failing.Source
ALL = frozenset({"database", "objects", "config"})


def create(
    remote: Remote,
    settings: Settings,
    kind: Kind,
    source: Source,
    clock: Clock,
    emit: events.Emit,
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
    chosen, image = _parts(settings, settings.host(remote.name), source, parts)
    now, number = _place(remote, settings)
    created, begun = at or now, clock.monotonic()
    name = manifest.backup_id(kind, created)
    folder = f"{settings.backup.directory}/{name}"

    def finished() -> str:
        return stamp(created + timedelta(seconds=clock.monotonic() - begun))

    started = Manifest(
        id=name,
        release=source.release_id,
        commit=source.commit,
        state=State.STARTED,
        created=stamp(created),
        finished="",
        files=(),
        image=image,
        engine=chosen.location.of_database.engine,
        number=number,
    )
    events.info(emit, f"Backup directory: {folder}", remote.name)
    try:
        written = _write(remote, settings, folder, started, chosen, emit, totals or {})
        if written.facts.unlisted:
            events.warn(emit, _UNLISTED.format(chosen.table), remote.name)
        made = _done(started, written)
        made = replace(made, finished=finished(), seconds=round(clock.monotonic() - begun, 1))
        remote.run(remote_commands.finish(folder, made).in_dir(settings.directory), deadline=60)
    except CommandFailed as error:
        if error.code == scripts.NOTHING:
            raise Refused(scripts.reason(error.detail)[0], host=remote.name, hint=_NOTHING) from error
        failure = failing.failure(error, settings, failing.gone(remote, settings, source))
        record = manifest.failed(started, failure.message, finished(), clock.monotonic() - begun)
        with suppress(CommandFailed):
            remote.run(remote_commands.fail(folder, record).in_dir(settings.directory), deadline=60)
        raise failure from error
    events.info(emit, "Backup integrity verified successfully", remote.name)
    return made


def _place(remote: Remote, settings: Settings) -> tuple[datetime, int]:
    """The time on the host, and the number that follows those of the backups there."""
    backups = remote_commands.list_(settings.backup.directory).in_dir(settings.directory)
    clock, listed = remote.batch([host_time.ask(), backups], deadline=60)
    found = remote_commands.parse_catalog(listed.stdout).backups
    return host_time.parse(clock.stdout), max((backup.number for backup in found), default=0) + 1


def _write(
    remote: Remote,
    settings: Settings,
    folder: str,
    started: Manifest,
    chosen: scripts.Parts,
    emit: events.Emit,
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
                emit(events.Progress(part, done, total, "bytes", remote.name))
        elif part := scripts.parse_written(line):
            written.add(part)
            emit(events.Progress(part, 1, 1, "bytes", remote.name))
        elif line.startswith(scripts.ANSWERS):
            ours.append(line)
        else:
            others.append(line)
            emit(events.Output(line, remote.name))

    how = settings.backup
    command = scripts.create(folder, how.compression, how.format, chosen, started)
    try:
        remote.stream(command.in_dir(settings.directory), on_line, deadline=how.deadline)
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
        state=State.DONE,
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
    if "config" in wanted:
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
            hint=f"Look at it: `docker compose ps {service}`, `docker compose logs {service}`.",
        )
    return container


def catalog(remote: Remote, settings: Settings) -> remote_commands.Catalog:
    """Return the catalog of a host: everything in its backups' folder."""
    command = remote_commands.list_(settings.backup.directory).in_dir(settings.directory)
    return remote_commands.parse_catalog(remote.run(command, deadline=60).stdout)


def listed(remote: Remote, settings: Settings) -> tuple[Manifest, ...]:
    """Return the good backups of a host, newest first."""
    return catalog(remote, settings).good


def verify(remote: Remote, settings: Settings, backup: Manifest) -> tuple[str, ...]:
    """Read every file of a backup to its end, and return what is wrong; () if nothing is."""
    folder = f"{settings.backup.directory}/{backup.id}"
    command = integrity.verify(folder, backup).in_dir(settings.directory)
    return integrity.parse_verified(remote.run(command, deadline=settings.backup.deadline).stdout, backup)
