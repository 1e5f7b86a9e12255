"""The ingress of a host, as the release that is made has it, or as the one before had it."""

from __future__ import annotations

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import again, services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.host_context import QUICK
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.rollout import planner, scope


def behind(release: Release) -> dict[str, ServiceRecord]:
    """Return the services that a release has behind the ingress, by name."""
    return {name: record for name, record in release.services.items() if record.proxies}


def bring(host_run: HostRun) -> None:
    """Set the ingress as the new release has it; the first one takes the ports over from the old release."""
    if names := _first(host_run):
        services.roll(host_run, names)
    plan = planner.ingress(host_run.release, host_run.old, host_run.containers())
    if not plan:
        host_run.say("No service of this release is behind an ingress")
    perform(host_run, plan)


def _first(host_run: HostRun) -> list[str]:
    """What comes before it, where it starts what waits for jobs; no way back to a release runs its jobs."""
    new = host_run.release
    if new.restores or not planner.begins(new, host_run.old, host_run.containers()):
        return []
    return scope.before_ingress(host_run.settings, new.services, blank=host_run.seen.blank)


def bring_back(host_run: HostRun) -> None:
    """Set the ingress as the old release has it; do nothing where it never took the ports over."""
    if host_run.new and not host_run.seen.blank:
        jobs = scope.before_ingress(host_run.settings, host_run.new.services, blank=False)
        services.roll_back(host_run, jobs)
    if host_run.old is None or not behind(host_run.old):
        return
    patience = 900 + host_run.grace(*behind(host_run.old))
    host_run.run(
        host_run.orchestrator.finished(host_run.paths.state, INGRESS, patience),
        deadline=patience + QUICK,
    )
    # What was waited for may have changed them since they were counted above.
    host_run.containers_changed()
    again.start(host_run)
    perform(host_run, planner.ingress_back(host_run.old, host_run.containers()))
