"""Step 3: the schema, moved by a release's own image in a throwaway container."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.deploy import services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.rollout import scope


def migrate(host_run: HostRun) -> None:
    """Migrate the schema with the release's own image, while the old release serves."""
    migrations = host_run.settings.migrations
    if migrations is None:
        return
    if jobs := _jobs(host_run):
        services.roll(host_run, jobs)
    run_migrations(host_run, host_run.release.id, migrations.run)


def unprepare(host_run: HostRun) -> None:
    """Remove what the release had of jobs that its migrations waited for."""
    if host_run.new and not host_run.seen.blank:
        services.roll_back(host_run, _jobs(host_run))


def _jobs(host_run: HostRun) -> list[str]:
    return scope.before_migrating(host_run.settings, host_run.host, host_run.release.services)


def run_migrations(host_run: HostRun, release_id: ReleaseId, command: Sequence[str]) -> None:
    """Run one of the migrations' commands in a throwaway container of a release.

    Raises:
        OpsError: when it failed or ran out of time; the container is removed all the same.
    """
    migrations = host_run.settings.migrations
    if migrations is None:
        return
    once = host_run.orchestrator.run(host_run.paths.release(release_id), migrations.service, *command)
    try:
        host_run.stream(once, migrations.deadline, "Database migrations")
    except OpsError:
        remove_one_off(host_run, release_id)
        raise


def migrate_again(host_run: HostRun, rollback: Release, serving: Release | None) -> None:
    """Migrate the schema to what `serving` needs, where a rollback that is taken back reverted migrations."""
    if rollback.reverted and serving is not None and host_run.settings.migrations is not None:
        run_migrations(host_run, serving.id, host_run.settings.migrations.run)


def remove_one_off(host_run: HostRun, release_id: ReleaseId) -> None:
    """Remove the throwaway containers of a release that were left behind."""
    listed = host_run.docker.one_off(host_run.settings.project, release_id)
    names = host_run.remote.run(listed, deadline=60, check=False).lines()
    if names:
        host_run.remote.run(host_run.docker.remove(*names), deadline=60, check=False)
