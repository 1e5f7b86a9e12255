"""Steps 4 to 7: services replaced tier by tier, put back if need be, and verified."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schedgen_ops.clock import stamp
from schedgen_ops.deploy import code
from schedgen_ops.deploy.site import Site
from schedgen_ops.errors import OpsError
from schedgen_ops.release import store
from schedgen_ops.release.record import State
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import run as roller
from schedgen_ops.verify import plan as verification
from schedgen_ops.verify import run as verifier


def roll(site: Site, services: Iterable[str]) -> None:
    """Each of `services`, one after the other; what did not change is left alone."""
    folder = site.paths.release(site.release.id)
    for change in rollout.changes(services, site.release.services, site.containers(), site.old):
        if not change.touches:
            site.say(f"Service {change.service} unchanged, left as it is")
            continue
        site.show(f"{change.service}: {change.reason}")
        site.touched.append(change.service)
        wait = site.settings.health.deadline
        seconds = roller.replace(site.remote, site.compose, folder, change.service, wait, site.show)
        site.say(f"Service {change.service} updated successfully ({seconds:.1f}s)")


def roll_back(site: Site, services: Iterable[str]) -> None:
    """Those of `services` that were touched, as the old release had them; the last one first."""
    ours = set(services)
    touched = [name for name in reversed(site.touched) if name in ours]
    if touched:
        # Containers see the files that they mount as the work tree has them when they start.
        code.switch_back(site)
    for service in touched:
        if site.old is not None and service in site.old.services:
            folder = site.paths.release(site.old.id)
            wait = site.settings.health.deadline
            roller.replace(site.remote, site.compose, folder, service, wait, site.show)
            site.say(f"Service {service} is back at release {site.old.id}")
        else:
            roller.remove(site.remote, site.compose, site.paths.release(site.release.id), service)
            site.say(f"Service {service} was new, and is removed")
        site.touched.remove(service)


def verify(site: Site) -> None:
    """Everything answers, and what was replaced stays up.

    Raises:
        OpsError: naming every check that did not pass.
    """
    ours = [box for box in site.containers() if box.release == site.release.id]
    verifier.settled(site.remote, site.settings, ours)
    findings = verifier.patiently(site.remote, site.settings)
    failed = verification.failed(findings)
    if failed:
        raise OpsError(
            "Deployment verification failed",
            host=site.remote.name,
            detail="\n".join(f"{finding.check}: {finding.text}" for finding in failed),
            hint="`inv verify.quick` runs the same checks again; `docker compose logs SERVICE` tells why.",
        )
    site.say(f"All critical services are healthy ({len(findings)} checks passed)")


def reopen(site: Site) -> None:
    """The record open again, and the release before it the one that serves: the new one is taken back."""
    if site.new is None or site.new.state is not State.DONE:
        return
    site.new = replace(site.new, state=State.STARTED, finished="")
    store.set_current(site.remote, site.paths, site.old.id if site.old else "")
    store.write(site.remote, site.paths, site.new)


def leftovers(site: Site) -> None:
    """Tells of services that run and that nobody deploys."""
    have = {service.name for service in site.services}
    for service in rollout.removed(site.containers(), have):
        site.warn(f"Service {service} still runs, and the release no longer has it")


def close(site: Site, state: State, error: str = "", steps: tuple[tuple[str, float], ...] = ()) -> None:
    """The record closed; a release that is DONE becomes the one that serves."""
    if site.new is None:
        return
    now = stamp(site.clock.now())
    site.new = replace(site.new, state=state, finished=now, error=error, steps=steps)
    store.write(site.remote, site.paths, site.new)
    if state is State.DONE:
        store.set_current(site.remote, site.paths, site.new.id)
