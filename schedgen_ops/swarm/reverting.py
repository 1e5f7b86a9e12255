"""Migrations that a rollback on a Swarm takes back, and that are applied again where it is given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from schedgen_ops import events
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import Refused
from schedgen_ops.host_context import QUICK
from schedgen_ops.ops import migrating
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, ReleaseId, since
from schedgen_ops.shell import sh
from schedgen_ops.swarm import rolling
from schedgen_ops.swarm.manager import MIGRATING, folder, seen
from schedgen_ops.swarm.schema import in_a_job


def ready(host_run: HostRun) -> None:
    """Make sure that there is what takes migrations back; change nothing.

    Raises:
        ConfigError: where nothing reverts one.
        Refused: where the newer release has no job for them.
    """
    migrating.way_back(host_run.settings)
    old = host_run.old
    job = f"{folder(host_run.paths, old.id)}/{MIGRATING}.json" if old else ""
    if not old or not host_run.remote.run(sh("ls", "--", job), deadline=QUICK, check=False).ok:
        text = "the release that serves has no job for migrations: nothing reverts them"
        raise Refused(text, host=host_run.remote.name)


def revert(host_run: HostRun, target: ReleaseId) -> None:
    """Take back the migrations that came since `target`, one after the other.

    Raises:
        OpsError: for the first that cannot be taken back.
    """
    old, shelf = host_run.old, host_run.seen.shelf
    words = migrating.way_back(host_run.settings)
    for name in since(shelf.releases, target, shelf.current):
        # Written first: should this run be killed, the next one knows what to put right.
        _note(host_run, (*host_run.release.reverted, name))
        _in_job(host_run, old, words, f"reverting {name}")
        host_run.say(f"Migration reverted: {name}")


def again(host_run: HostRun) -> None:
    """Migrate the schema to what the newer release needs, where the rollback that is given up reverted any.

    Once that is done the record says so: nothing is left to be put right.

    Raises:
        OpsError: where that fails.
    """
    migrations, rollback = host_run.settings.migrations, host_run.new
    if rollback is None or not rollback.reverted or host_run.old is None or migrations is None:
        return
    end(host_run, (MIGRATING,))
    events.info(host_run.context.emit, f"Applying again what was reverted: {', '.join(rollback.reverted)}")
    _in_job(host_run, host_run.old, migrations.run, "applying again the migrations that were reverted")
    _note(host_run, ())


def services_back(host_run: HostRun) -> None:
    """Put services back as the newer release has them, which may not start without its schema.

    Raises:
        OpsError: where one of the two fails; the services are put back whatever became of the schema.
    """
    try:
        again(host_run)
    finally:
        rolling.back(host_run)


def end(host_run: HostRun, jobs: Collection[str]) -> None:
    """End jobs that are still there: their run is over."""
    if left := [each.service for each in seen(host_run.context).services if each.service in jobs]:
        rolling.remove(host_run, left)


def _note(host_run: HostRun, reverted: tuple[str, ...]) -> None:
    host_run.new = replace(host_run.release, reached=True, reverted=reverted)
    store.write(host_run.remote, host_run.paths, host_run.new)


def _in_job(host_run: HostRun, release: Release | None, words: Sequence[str], what: str) -> None:
    """Run a command of the migrations by the newer release's image, which knows all of them."""
    at = host_run.paths.release(release.id) if release else ""
    once = in_a_job(lambda _: host_run.context, at)
    once(host_run.remote, host_run.settings, host_run.context.emit, words, what)
