"""Makes and lists backups through a host."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops import events
from schedgen_ops.backup import commands, manifest
from schedgen_ops.clock import Clock, stamp
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import CommandFailed, OpsError, Refused
from schedgen_ops.remote import Remote
from schedgen_ops.settings import HostSettings, Settings


@dataclass(frozen=True, slots=True)
class Source:
    """What a backup is made of: the release that serves, and the containers that hold the data."""

    release: str
    commit: str
    containers: tuple[engine.Container, ...]

    def container(self, service: str) -> str:
        """The running container of a service; "" if there is none on this host."""
        running = (c.id for c in self.containers if c.service == service and c.status == "running")
        return next(running, "")


def create(
    remote: Remote, settings: Settings, kind: manifest.Kind, source: Source, clock: Clock, emit: events.Emit
) -> manifest.Manifest:
    """A new, checked backup on `remote`.

    Args:
        kind: why it is made.

    Raises:
        OpsError: when any part or check of it failed; then nothing of it is left.
    """
    created = clock.now()
    name = manifest.backup_id(kind, created)
    folder = f"{settings.backup.directory}/{name}"
    events.info(emit, f"Backup directory: {folder}", remote.name)
    parts = _parts(settings, settings.host(remote.name), source)
    command = commands.create(folder, *parts).in_dir(settings.directory)
    try:
        answer = remote.run(command, deadline=settings.backup.deadline)
        files, objects = commands.parse_files(answer.stdout)
        made = manifest.Manifest(
            id=name,
            release=source.release,
            commit=source.commit,
            state=manifest.State.DONE,
            created=stamp(created),
            finished=stamp(clock.now()),
            files=files,
            objects=objects,
            verified=("archive integrity", "end of dump", "SHA-256"),
        )
        remote.run(commands.finish(folder, made).in_dir(settings.directory), deadline=60)
    except CommandFailed as error:
        remote.run(commands.discard(folder).in_dir(settings.directory), deadline=60, check=False)
        raise _failed(error) from error
    events.info(emit, "Backup integrity verified successfully", remote.name)
    return made


def _parts(settings: Settings, host: HostSettings, source: Source) -> tuple[str, str]:
    docker = engine.Docker(settings.sudo)
    dump = archive = ""
    if settings.database and host.runs(settings.database.service):
        container = _running(settings.database.service, source, host)
        dump = commands.dump_command(docker, container, settings.database)
    if settings.objects and host.runs(settings.objects.service):
        container = _running(settings.objects.service, source, host)
        archive = commands.archive_command(docker, container, settings.objects)
    if not dump and not archive:
        raise OpsError("there is nothing to back up: neither the database nor the object store belongs here")
    return dump, archive


def _running(service: str, source: Source, host: HostSettings) -> str:
    container = source.container(service)
    if not container:
        raise Refused(
            f"{service} is not running, and a backup without its data would be none",
            host=host.name,
            hint=f"Look at it: `docker compose ps {service}`, `docker compose logs {service}`.",
        )
    return container


def _failed(error: CommandFailed) -> OpsError:
    *detail, reason = error.detail.splitlines() or [error.message]
    return OpsError(
        f"backup failed: {reason}", host=error.host, detail="\n".join(detail), hint=_hint(error.detail)
    )


def _hint(output: str) -> str:
    text = output.lower()
    if "no space left" in text:
        return "The disk is full: free some space, then run it again."
    if "password authentication failed" in text or "no password supplied" in text:
        return "The database refuses the password: compare POSTGRES_PASSWORD in .env with the database's own."
    if "is not running" in text or "no such container" in text or "could not connect" in text:
        return "Look at the database: `docker compose ps postgres`, `docker compose logs postgres`."
    if "permission denied" in text:
        return "Look at the owner and mode of the backup directory: it must be writable by this user."
    return "Nothing of it was kept."


def listed(remote: Remote, settings: Settings) -> tuple[manifest.Manifest, ...]:
    """The good backups of a host, newest first."""
    command = commands.list_(settings.backup.directory).in_dir(settings.directory)
    return commands.parse_list(remote.run(command, deadline=60).stdout).good
