"""Steps 4 to 7: services replaced tier by tier, put back if need be, and verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from schedgen_ops.clock import stamp
from schedgen_ops.deploy import code
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, State
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import planner, scope
from schedgen_ops.rollout.grouping import Grouping, waves
from schedgen_ops.verify import run as verifier
from schedgen_ops.verify import serving
from schedgen_ops.watch import rules


def put_right(site: HostRun, serving: Release, begun: Sequence[Release]) -> None:
    """Take away what a killed run left, and bring the services of the tiers to what `serving` has.

    Without `begun`, the releases that the run was making, nothing is replaced: what differs then is nobody's
    leftover, and what is in no tier is never touched.
    """
    _started(site)
    found = site.containers()
    known = {name: record for release in (*begun, serving) for name, record in release.services.items()}
    order = scope.order(site.settings, known)
    half = planner.half_handed_over(serving, found)
    if not begun and not half and not planner.superseded(serving, None, found):
        return
    site.righted = site.righted or "what an interrupted run had left beside what serves was removed"
    perform(site, planner.ingress_back(serving, found, repair=True))
    _go(site, planner.homeward(serving, begun, order))


def _go(site: HostRun, way: Iterable[planner.Leg]) -> None:
    for leg in way:
        perform(site, leg(site.containers()))


def roll(site: HostRun, services: Iterable[str], grouped: Grouping = waves) -> None:
    """Replace those of `services` that changed; those of a group go together."""
    plan = planner.forward(services, site.release, site.old, site.containers(), site.share, grouped)
    if not plan:
        site.say("The release has none of these services here")
    perform(site, plan)


def roll_back(site: HostRun, services: Iterable[str]) -> None:
    """Put those of `services` that were touched back as the old release had them."""
    ours = [name for name in services if name in site.touched]
    if not ours:
        return
    for service in ours:
        # What was left alone by Ctrl-C or a lost connection ends what it began first.
        patience = 900 + site.grace(service)
        site.run(site.orchestrator.finished(site.paths.state, service, patience), deadline=patience + QUICK)
    site.containers_changed()
    # Containers see the files that they mount as the work tree has them when they start.
    code.switch_back(site)
    _go(site, planner.homeward(site.old, [site.release], ours, touched=True))
    site.touched[:] = [name for name in site.touched if name not in ours]


def retire(site: HostRun) -> None:
    """Retire the containers that the release replaced behind the ingress; until now they stood by."""
    perform(site, planner.settled(site.release, site.old, site.touched))


def verify(site: HostRun, *, settle: bool) -> None:
    """Verify a host; with `settle`, wait first for what was replaced to stay up for a while.

    Raises:
        OpsError: naming every check that did not pass.
    """
    if settle:
        ours = [box for box in site.containers() if box.release == site.release.id]
        verifier.settled(site.context, ours)
    findings = verifier.patiently(site.context)
    _pass(site, "Deployment verification failed", rules.failed(findings))
    site.checked = len(findings)
    if findings:
        site.say(f"All critical services are healthy ({len(findings)} checks passed)")


def answers(site: HostRun) -> None:
    """Wait for what was there before this run to start, and verify it by the checks that concern it.

    Raises:
        OpsError: naming every check that did not pass.
    """
    if not site.before:
        return
    _started(site)
    what = site.old.id if site.old else "what ran before"
    bad = serving.wrong(site.context, site.before)
    _pass(site, f"{what} is in place, and does not pass its checks", bad)


def _started(site: HostRun) -> None:
    """What is starting has the time for it: until then nobody knows whether it is well."""
    wait = site.settings.health.deadline
    if starting := [box.id for box in site.containers() if box.health == "starting"]:
        site.remote.run(site.orchestrator.well(starting, wait), deadline=wait + QUICK, check=False)
        site.containers_changed()


def _pass(site: HostRun, message: str, failed: Sequence[rules.Finding]) -> None:
    if failed:
        raise OpsError(
            message,
            host=site.remote.name,
            detail="\n".join(f"{finding.check}: {finding.text}" for finding in failed),
            hint="`inv verify.quick` runs the same checks again; `inv logs SERVICE` tells why.",
        )


def reopen(site: HostRun) -> None:
    """Reopen the record, and name the release before as the one that serves: the new one is taken back."""
    if site.new is None or site.new.state is not State.DONE:
        return
    site.new = replace(site.new, state=State.STARTED, finished="")
    store.set_current(site.remote, site.paths, site.old.id if site.old else NO_RELEASE)
    store.write(site.remote, site.paths, site.new)


def leftovers(site: HostRun) -> None:
    """Tell of services that run and that nobody deploys."""
    have = {service.name for service in site.services} or set(site.release.services)
    for service in rollout.removed(site.containers(), have):
        site.warn(f"Service {service} still runs, and the release no longer has it")


def serve(site: HostRun) -> None:
    """Mark the release DONE, and name it as the one that serves."""
    # Should the answer be lost, `reopen` has something to take back.
    site.new = replace(site.release, state=State.DONE, finished=stamp(site.clock.now()))
    perform(site, planner.named(site.new, site.old, site.touched))


def close(site: HostRun, state: State, error: str = "", steps: tuple[tuple[str, float], ...] = ()) -> None:
    """Write how the run ended into the release's record."""
    if site.new is None:
        return
    now = stamp(site.clock.now())
    site.new = replace(site.new, state=state, finished=now, error=error, steps=steps)
    store.write(site.remote, site.paths, site.new)
