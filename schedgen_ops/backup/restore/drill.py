"""The drill of a backup: a restore into a throwaway container, compared with the manifest and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from schedgen_ops.backup.catalog import host_time, remote_commands
from schedgen_ops.backup.catalog.manifest import DrillResult, Manifest
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.backup.create import diagnosis, scripts
from schedgen_ops.backup.data_location import NO_DATABASE, running
from schedgen_ops.backup.restore import drill_scripts
from schedgen_ops.clock import stamp
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

PASSED = "passed"
_MIB = 1024**2


def drill(host: HostContext, backup: Manifest) -> Manifest:
    """Restore `backup` into a throwaway container on its host, and record how it went.

    Returns:
        the manifest with the proof.

    Raises:
        OpsError: where anything is not as the manifest says; that is recorded too.
    """
    settings, clock = host.settings, host.clock
    began = clock.monotonic()
    folder = f"{settings.backup.directory}/{backup.id}"
    command = _command(host, backup, folder)
    try:
        answer = host.run(command, settings.backup.drill.deadline)
        seen = drill_scripts.parse(answer.stdout)
        wrong = drill_scripts.wrong(seen, backup, settings.backup.drill.queries)
        error = None if not wrong else OpsError(wrong[0], detail="\n".join(wrong[1:]))
    except CommandFailed as failure:
        error = _failure(failure, settings)
    result = PASSED if error is None else error.message
    proof = DrillResult(stamp(host_time.now(host.remote)), round(clock.monotonic() - began, 1), result)
    proven = replace(backup, drill=proof)
    host.in_project(remote_commands.update(folder, proven))
    if error is not None:
        raise OpsError(
            f"the restore drill of {backup.id} failed: {error.message}",
            host=host.name,
            detail=error.detail,
            hint=error.hint or "Do not rely on this backup: `inv backup` makes a new one.",
        )
    host.say(f"Restore drill passed: {_summary(backup, proof)}")
    return proven


def _command(host: HostContext, backup: Manifest, folder: str) -> Command:
    settings = host.settings
    database, queries = settings.database, settings.backup.drill.queries
    if backup.database and database is None:
        raise Refused("the backup holds a database and the configuration has none", host=host.name)
    if backup.database and database and database.engine != backup.engine:
        why = f"{backup.id} is of a database of {backup.engine}, and not {database.engine}"
        raise Refused(why, host=host.name)
    command = drill_scripts.drill(
        folder,
        backup,
        host.docker,
        _image(host, backup),
        database or NO_DATABASE,
        queries,
        needed(backup),
        settings.directory,
    )
    return command.in_dir(settings.directory)


def _image(host: HostContext, backup: Manifest) -> str:
    """The database's image that runs here, or that the backup was taken from."""
    database = host.settings.database
    if not backup.database or database is None:
        return ""
    service = database.service
    found = next((box.image for box in running(host) if box.service == service), backup.image)
    if not found:
        raise Refused(f"there is no image of {service} here to restore with", host=host.name)
    return found


def needed(backup: Manifest) -> int:
    """Return the bytes of disk that a restored database takes, generously."""
    dump = backup.database
    if dump is None:
        return 0
    return int(backup.sizes.get("database", dump.size * 12) * 1.3) + 200 * _MIB


def _failure(error: CommandFailed, settings: Settings) -> OpsError:
    reason, detail = scripts.reason(error.detail)
    if isinstance(error, CommandTimedOut):
        reason = f"it was not done after backup.drill.deadline, {settings.backup.drill.deadline} s"
    cause = diagnosis.cause(detail, settings)
    return OpsError(reason or error.message, detail=detail, hint=cause.hint if cause else "")


def _summary(backup: Manifest, proof: DrillResult) -> str:
    parts = []
    if backup.rows:
        parts.append(f"{sum(backup.rows.values())} rows in {len(backup.rows)} tables")
    if backup.archive:
        parts.append(f"{backup.objects} objects")
    return f"{', '.join(parts) or 'nothing to restore'} ({proof.seconds:.1f}s)"


def when_due(host: HostContext, backup: Manifest) -> None:
    """Drill a backup that a deploy has just made, where the configuration asks for it.

    Raises:
        OpsError: where it does not pass.
    """
    settings = host.settings
    if settings.backup.drill.deploy == "never":
        return
    command = remote_commands.list_(settings.backup.directory).in_dir(settings.directory)
    time, listed = host.remote.batch([host_time.ask(), command], deadline=60)
    if due(remote_commands.parse_catalog(listed.stdout), settings, host_time.parse(time.stdout)):
        drill(host, backup)


def due(catalog: Catalog, settings: Settings, now: datetime) -> bool:
    """Return whether a deploy has to drill its backup, by the configuration."""
    policy = settings.backup.drill
    if policy.deploy != "stale":
        return policy.deploy == "always"
    limit = now - timedelta(days=policy.max_age_days)
    proofs = [backup.drill.at for backup in catalog.good if backup.proven and backup.drill]
    return not any(datetime.fromisoformat(at) >= limit for at in proofs)
