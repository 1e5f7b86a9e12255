"""Makes, lists and verifies backups through a host."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from schedgen_ops import events
from schedgen_ops.backup import causes, commands, integrity, manifest, scripts
from schedgen_ops.backup.manifest import Kind, Manifest, State
from schedgen_ops.clock import Clock, stamp
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError, Refused
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.settings import HostSettings, Settings

ALL = frozenset({"database", "objects", "config"})


@dataclass(frozen=True, slots=True)
class Source:
    """What a backup is made of: the release that serves, and the containers that hold the data."""

    release: str
    commit: str
    containers: tuple[engine.Container, ...]

    def container(self, service: str) -> engine.Container | None:
        """The running container of a service; None if there is none on this host."""
        running = (c for c in self.containers if c.service == service and c.status == "running")
        return next(running, None)


def create(
    remote: Remote,
    settings: Settings,
    kind: Kind,
    source: Source,
    clock: Clock,
    emit: events.Emit,
    parts: frozenset[str] = ALL,
    totals: dict[str, int] | None = None,
) -> Manifest:
    """A new, checked backup on `remote`.

    Args:
        kind: why it is made.
        parts: database, objects, config; what does not belong on this host is left out.
        totals: bytes that each part may come to, where that is known, for the progress.

    Raises:
        OpsError: when any part or check of it failed; then a record without data says FAILED and why.
    """
    created, begun = clock.now(), clock.monotonic()
    name = manifest.backup_id(kind, created)
    folder = f"{settings.backup.directory}/{name}"
    chosen, image = _parts(settings, settings.host(remote.name), source, parts)
    started = Manifest(
        id=name,
        release=source.release,
        commit=source.commit,
        state=State.STARTED,
        created=stamp(created),
        finished="",
        files=(),
        image=image,
    )
    events.info(emit, f"Backup directory: {folder}", remote.name)
    try:
        made = _done(started, _write(remote, settings, folder, started, chosen, emit, totals or {}))
        made = replace(made, finished=stamp(clock.now()), seconds=round(clock.monotonic() - begun, 1))
        remote.run(commands.finish(folder, made).in_dir(settings.directory), deadline=60)
    except CommandFailed as error:
        failure = _failure(error, settings, _gone(remote, settings, source))
        record = manifest.failed(started, failure.message, stamp(clock.now()), clock.monotonic() - begun)
        with suppress(CommandFailed):
            remote.run(commands.fail(folder, record).in_dir(settings.directory), deadline=60)
        raise failure from error
    events.info(emit, "Backup integrity verified successfully", remote.name)
    return made


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
        postgres=about.postgres,
        rows=about.rows,
        migrations=about.migrations,
        roles=about.roles,
        sizes=made.sizes,
    )


def _parts(
    settings: Settings, host: HostSettings, source: Source, wanted: frozenset[str]
) -> tuple[scripts.Parts, str]:
    """What is to be backed up here, and the image of the database."""
    docker, database, objects = engine.Docker(settings.sudo), settings.database, settings.objects
    chosen, image = scripts.Parts(), ""
    if "database" in wanted and database and host.runs(database.service):
        box = _running(database.service, source, host)
        image = box.image
        chosen = replace(
            chosen,
            session=commands.session_command(docker, box.id, database),
            dump=commands.dump_command(docker, box.id, database, settings.backup.format),
            table=(settings.migrations.table or "") if settings.migrations else "",
        )
    if "objects" in wanted and objects and host.runs(objects.service):
        box = _running(objects.service, source, host)
        chosen = replace(chosen, archive=commands.archive_command(docker, box.id, objects))
    if "config" in wanted:
        compose = f"{Paths(settings.directory).release(source.release)}/compose.yaml"
        chosen = replace(chosen, env_file=settings.env_file, compose_file=compose if source.release else "")
    if chosen.empty:
        raise OpsError("there is nothing to back up: neither the database nor the object store belongs here")
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


def _gone(remote: Remote, settings: Settings, source: Source) -> causes.Cause | None:
    """What a killed container says for itself is nothing: the service that no longer runs as it did."""
    parts = (settings.database, settings.objects)
    before = {part.service: source.container(part.service) for part in parts if part}
    listing = engine.Docker(settings.sudo).containers(settings.project)
    answer = remote.run(listing, deadline=60, check=False)
    now = {box.id: box for box in engine.parse_containers(answer.stdout)} if answer.ok else {}
    for service, box in before.items():
        if box and answer.ok:
            found = now.get(box.id)
            if found is None or (found.status, found.started) != (box.status, box.started):
                return causes.went_away(service)
    return None


def _failure(error: CommandFailed, settings: Settings, gone: causes.Cause | None) -> OpsError:
    """The failure of a script of ours, with its reason, its cause as far as that is known, and a hint."""
    reason, detail = scripts.reason(error.detail)
    if isinstance(error, CommandTimedOut):
        reason = f"it was not done after backup.deadline, {settings.backup.deadline} s"
    reason = reason or error.message
    cause = causes.cause(f"{detail}\n{reason}", settings) or gone
    return OpsError(
        f"backup failed: {f'{cause.sentence}: {reason}' if cause else reason}",
        host=error.host,
        detail=detail,
        hint=cause.hint if cause else "Nothing of it was kept.",
    )


def listing(remote: Remote, settings: Settings) -> commands.Listing:
    """All that is in the backups' folder of a host."""
    command = commands.list_(settings.backup.directory).in_dir(settings.directory)
    return commands.parse_list(remote.run(command, deadline=60).stdout)


def listed(remote: Remote, settings: Settings) -> tuple[Manifest, ...]:
    """The good backups of a host, newest first."""
    return listing(remote, settings).good


def verify(remote: Remote, settings: Settings, backup: Manifest) -> tuple[str, ...]:
    """What is wrong with a backup on `remote`: every file is read to its end; () if nothing is."""
    folder = f"{settings.backup.directory}/{backup.id}"
    command = integrity.verify(folder, backup).in_dir(settings.directory)
    return integrity.parse_verified(remote.run(command, deadline=settings.backup.deadline).stdout, backup)
