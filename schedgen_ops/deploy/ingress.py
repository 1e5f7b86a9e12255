"""The ingress of a host, as the release that is made has it, or as the one before had it."""

from __future__ import annotations

from schedgen_ops.deploy import again
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.host_context import QUICK
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import planner


def behind(release: Release) -> dict[str, ServiceRecord]:
    """Return the services that a release has behind the ingress, by name."""
    return {name: record for name, record in release.services.items() if record.proxies}


def bring(site: HostRun) -> None:
    """Set the ingress as the new release has it; the first one takes the ports over from the old release."""
    plan = planner.ingress(site.release, site.old, site.containers())
    if not plan:
        site.say("No service of this release is behind an ingress")
    perform(site, plan)


def bring_back(site: HostRun) -> None:
    """Set the ingress as the old release has it; do nothing where it never took the ports over."""
    if site.old is None or not behind(site.old):
        return
    patience = 900 + site.grace(*behind(site.old))
    site.run(
        site.orchestrator.finished(site.paths.state, rollout.INGRESS, patience), deadline=patience + QUICK
    )
    # What was waited for may have changed them since they were counted above.
    site.containers_changed()
    again.start(site)
    perform(site, planner.ingress_back(site.old, site.containers()))
