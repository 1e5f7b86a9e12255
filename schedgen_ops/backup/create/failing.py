"""The source of a backup, and the reason for one that failed."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.backup.create import diagnosis, scripts
from schedgen_ops.commands import docker
from schedgen_ops.databases.contract import FailureCause
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a backup: the release that serves, and the containers that hold the data."""

    release_id: ReleaseId
    commit: str
    containers: tuple[docker.Container, ...]

    def container(self, service: str) -> docker.Container | None:
        """Return the running container of a service; None if there is none on this host."""
        running = (c for c in self.containers if c.service == service and c.status == "running")
        return next(running, None)


def gone(host: HostContext, source: Source) -> FailureCause | None:
    """Return the service that no longer runs as it did, for a killed container leaves no message."""
    parts = (host.settings.database, host.settings.objects)
    before = {part.service: source.container(part.service) for part in parts if part}
    answer = host.run(host.docker.containers(host.settings.project), check=False)
    now = {box.id: box for box in docker.parse_containers(answer.stdout)} if answer.ok else {}
    for service, box in before.items():
        if box and answer.ok:
            found = now.get(box.id)
            if found is None or (found.status, found.started) != (box.status, box.started):
                return diagnosis.went_away(service)
    return None


def failure(error: CommandFailed, settings: Settings, gone: FailureCause | None) -> OpsError:
    """Return the error of a failed script with its reason, its cause as far as that is known, and a hint."""
    reason, detail = scripts.reason(error.detail)
    if isinstance(error, CommandTimedOut):
        reason = f"it was not done after backup.deadline, {settings.backup.deadline} s"
    reason = reason or error.message
    cause = diagnosis.cause(f"{detail}\n{reason}", settings) or gone
    return OpsError(
        f"backup failed: {f'{cause.sentence}: {reason}' if cause else reason}",
        host=error.host,
        detail=detail,
        hint=cause.hint if cause else "Nothing of it was kept.",
    )
