"""Where the data is on a host, and how scripts that work on it are run."""

from __future__ import annotations

from schedgen_ops.backup.create import diagnosis, scripts
from schedgen_ops.backup.restore import scripts as restore_scripts
from schedgen_ops.commands import docker
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError
from schedgen_ops.remote import Remote, Result
from schedgen_ops.settings import Database, Objects, Settings
from schedgen_ops.shell import Command

# Stand for what an environment does not have: their place is "", and nothing is asked of them.
NO_DATABASE = Database(service="none", user="none", name="none")
NO_OBJECTS = Objects(service="none", path="/none")


def running(remote: Remote, settings: Settings) -> tuple[docker.Container, ...]:
    """The project's containers."""
    listing = remote.run(docker.Docker(settings.sudo).containers(settings.project), deadline=60)
    return docker.parse_containers(listing.stdout)


def places_of(
    settings: Settings, containers: tuple[docker.Container, ...], stamp: str
) -> restore_scripts.Places:
    """Where the database and the objects are on a host, as far as they run there."""
    database, objects = settings.database or NO_DATABASE, settings.objects or NO_OBJECTS
    boxes = {box.service: box for box in containers if box.status == "running"}
    base = boxes.get(database.service) if settings.database else None
    store = boxes.get(objects.service) if settings.objects else None
    return restore_scripts.Places(
        docker.Docker(settings.sudo),
        base.id if base else "",
        store.id if store else "",
        store.image if store else "",
        stamp,
        database,
        objects,
    )


def perform(remote: Remote, settings: Settings, command: Command, deadline: float) -> Result:
    """Runs a script of ours; its reason, cause and hint become the error."""
    try:
        return remote.run(command.in_dir(settings.directory), deadline=deadline)
    except CommandFailed as error:
        reason, detail = scripts.reason(error.detail)
        if isinstance(error, CommandTimedOut):
            reason = f"{command} was not done after {deadline:g} s"
        cause = diagnosis.cause(f"{detail}\n{reason}", settings)
        raise OpsError(
            f"{cause.sentence}: {reason or error.message}" if cause else reason or error.message,
            host=error.host,
            detail=detail,
            hint=cause.hint if cause else "",
        ) from error
