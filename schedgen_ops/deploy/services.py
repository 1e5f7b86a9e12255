"""Steps 4 to 7: services replaced tier by tier, put back if need be, and verified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from schedgen_ops.clock import stamp
from schedgen_ops.deploy import code, standby
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.performing import perform
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK
from schedgen_ops.release import store
from schedgen_ops.release.record import NO_RELEASE, Release, State
from schedgen_ops.rollout import counting, planner, reach, scope
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout.grouping import Grouping, waves
from schedgen_ops.verify import run as verifier
from schedgen_ops.verify import serving
from schedgen_ops.watch import rules

# One that is not well ends the wait for all.
_LOOKS = 5
# What asks containers that are out of reach waits in vain: checks have so many seconds then, or so many times
# those that they took before.
_ALONE, _SLOWER = 2.0, 5


def put_right(host_run: HostRun, serving: Release, begun: Sequence[Release]) -> None:
    """Take away what a killed run left, and bring the services of the tiers to what `serving` has.

    Without `begun`, the releases that the run was making, nothing is replaced: what differs then is nobody's
    leftover, and what is in no tier is never touched.
    """
    _started(host_run)
    found = host_run.containers()
    serving = counting.kept(serving, found, begun)
    known = {name: record for release in (*begun, serving) for name, record in release.services.items()}
    order = scope.order(host_run.settings, known)
    half = planner.half_handed_over(serving, found)
    if not begun and not half and not planner.superseded(serving, None, found):
        return
    host_run.righted = host_run.righted or "what an interrupted run had left beside what serves was removed"
    perform(host_run, planner.ingress_back(serving, found, repair=True))
    _go(host_run, planner.homeward(serving, begun, order))


def _go(host_run: HostRun, way: Iterable[planner.Leg]) -> None:
    for leg in way:
        perform(host_run, leg(host_run.containers()))


def roll(host_run: HostRun, services: Iterable[str], grouped: Grouping = waves) -> None:
    """Replace those of `services` that changed; those of a group go together."""
    plan = planner.forward(
        services,
        host_run.release,
        host_run.old,
        host_run.containers(),
        host_run.share,
        grouped,
        replaced=host_run.touched,
    )
    if not plan:
        host_run.say("The release has none of these services here")
    perform(host_run, plan)


def roll_back(host_run: HostRun, services: Iterable[str]) -> None:
    """Put those of `services` that were touched back as the old release had them."""
    ours = [name for name in services if name in host_run.touched]
    if not ours:
        return
    for service in ours:
        # What was left alone by Ctrl-C or a lost connection ends what it began first.
        job = host_run.new and scope.ends(host_run.new.services[service])
        patience = 900 + host_run.grace(service) + (host_run.settings.rollout.job_deadline if job else 0)
        host_run.run(
            host_run.orchestrator.finished(host_run.paths.state, service, patience), deadline=patience + QUICK
        )
    host_run.containers_changed()
    # Containers see the files that they mount as the work tree has them when they start.
    code.switch_back(host_run)
    _go(host_run, planner.homeward(host_run.old, [host_run.release], ours, touched=True))
    host_run.touched[:] = [name for name in host_run.touched if name not in ours]


def cut_off(host_run: HostRun) -> None:
    """Put the containers that the release replaced out of reach; they go on running."""
    plan = reach.cut_off(host_run.release, host_run.touched, host_run.containers())
    host_run.alone = tuple(each.new.service for group in plan for each in group)
    perform(host_run, plan)


def verify_alone(host_run: HostRun) -> None:
    """Verify a host once more, where something was put out of reach: nothing of it may be needed.

    Raises:
        OpsError: naming every check that does not pass now.
    """
    if not host_run.alone:
        return
    findings = verifier.patiently(host_run.context, max(_ALONE, _SLOWER * host_run.checking), tries=2)
    failed = rules.failed(findings)
    if failed:
        raise OpsError(
            "Deployment verification failed once the containers that were replaced were out of reach",
            host=host_run.remote.name,
            detail="\n".join(f"{finding.check}: {finding.text}" for finding in failed),
            hint=f"Something asks {', '.join(host_run.alone)} at an address that it looked up as it started. "
            "`depends_on: {SERVICE: {condition: service_healthy, restart: true}}` in its definition has it "
            "replaced with those that it asks.",
        )
    host_run.say("What was replaced is out of reach, and nothing needs it")


def join(host_run: HostRun) -> None:
    """Let what `cut_off` put out of reach be reached again."""
    if host_run.alone:
        perform(host_run, reach.joined(host_run.release, host_run.touched))
        host_run.alone = ()


def retire(host_run: HostRun) -> None:
    """Retire the containers that the release replaced, but those that are to stand by for a while."""
    stand = standby.suits(host_run)
    others = [name for name in host_run.touched if name not in stand]
    perform(host_run, planner.settled(host_run.release, host_run.old, others))
    try:
        standby.keep(host_run, stand)
    except OpsError as error:
        host_run.warn(f"nothing stands by: {error.message}")
        perform(host_run, planner.settled(host_run.release, host_run.old, stand))


def verify(host_run: HostRun, *, settle: bool) -> None:
    """Verify a host; with `settle`, wait first for what was replaced to stay up for a while.

    Raises:
        OpsError: naming every check that did not pass.
    """
    if settle:
        ours = [box for box in host_run.containers() if box.release == host_run.release.id]
        again = host_run.seed.restarted if host_run.seed else ""
        # What was stopped for the restore did not die: it counts since it runs.
        for boxes in ([box for box in ours if box.id != again], [box for box in ours if box.id == again]):
            verifier.settled(host_run.context, boxes)
    begun = host_run.clock.monotonic()
    findings = verifier.patiently(host_run.context)
    host_run.checking = host_run.clock.monotonic() - begun
    _pass(host_run, "Deployment verification failed", rules.failed(findings))
    verifier.tell(host_run.context, findings)
    host_run.checked = len(findings)
    if findings:
        host_run.say(f"All critical services are healthy ({len(findings)} checks passed)")


def answers(host_run: HostRun) -> None:
    """Wait for what was there before this run to start, and verify it by the checks that concern it.

    Raises:
        OpsError: naming every check that did not pass.
    """
    if not host_run.before:
        return
    _started(host_run)
    what = host_run.old.id if host_run.old else "what ran before"
    bad = serving.wrong(host_run.context, host_run.before)
    _pass(host_run, f"{what} is in place, and does not pass its checks", bad)


def _started(host_run: HostRun) -> None:
    """What is starting has the time for it: until then nobody knows whether it is well.

    An engine that came back a moment ago starts them one after the other.
    """
    wait = host_run.settings.health.deadline
    for _ in range(_LOOKS):
        host_run.containers_changed()
        starting = [box.id for box in host_run.containers() if box.health == "starting"]
        if not starting:
            return
        host_run.remote.run(host_run.orchestrator.well(starting, wait), deadline=wait + QUICK, check=False)


def _pass(host_run: HostRun, message: str, failed: Sequence[rules.Finding]) -> None:
    if failed:
        raise OpsError(
            message,
            host=host_run.remote.name,
            detail="\n".join(f"{finding.check}: {finding.text}" for finding in failed),
            hint="`inv verify.quick` runs the same checks again; `inv logs SERVICE` tells why.",
        )


def reopen(host_run: HostRun) -> None:
    """Take back that the release serves: what it replaced is reached again, the release before is named."""
    join(host_run)
    if host_run.new is None or host_run.new.state is not State.DONE:
        return
    host_run.new = replace(host_run.new, state=State.STARTED, finished="")
    store.set_current(host_run.remote, host_run.paths, host_run.old.id if host_run.old else NO_RELEASE)
    store.write(host_run.remote, host_run.paths, host_run.new)


def leftovers(host_run: HostRun) -> None:
    """Tell of services that run and that nobody deploys."""
    have = {service.name for service in host_run.services} or set(host_run.release.services)
    for service in rollout.removed(host_run.containers(), have):
        host_run.warn(f"Service {service} still runs, and the release no longer has it")
    records = host_run.release.services
    stays = {box.service for box in host_run.containers() if box.status == "running" and not box.job}
    for service in sorted(name for name in stays if name in records and scope.ends(records[name])):
        host_run.warn(f"Service {service} still runs, and the release has it as a job, which ends")


def serve(host_run: HostRun) -> None:
    """Mark the release DONE, and name it as the one that serves."""
    # Should the answer be lost, `reopen` has something to take back.
    host_run.new = replace(host_run.release, state=State.DONE, finished=stamp(host_run.clock.now()))
    perform(host_run, planner.named(host_run.new, host_run.old, host_run.touched))


def close(
    host_run: HostRun, state: State, error: str = "", steps: tuple[tuple[str, float], ...] = ()
) -> None:
    """Write how the run ended into the release's record."""
    if host_run.new is None:
        return
    now = stamp(host_run.clock.now())
    host_run.new = replace(host_run.new, state=state, finished=now, error=error, steps=steps)
    store.write(host_run.remote, host_run.paths, host_run.new)


def close_cut_off(host_run: HostRun, release: Release) -> None:
    """Write into the record of a release whose run was cut off that it was taken back."""
    error = release.error or "interrupted, and taken back later"
    now = stamp(host_run.clock.now())
    closed = replace(release, state=State.FAILED, error=error, finished=now)
    store.write(host_run.remote, host_run.paths, closed)
