"""Steps 4 to 7: services replaced tier by tier, put back if need be, and verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from schedgen_ops.clock import stamp
from schedgen_ops.deploy import code, ingress
from schedgen_ops.deploy.site import QUICK, Site
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import at_once
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, ServiceRecord, State
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import run as roller
from schedgen_ops.rollout import scripts
from schedgen_ops.rollout.strategy import Grouping, Strategy, waves
from schedgen_ops.verify import plan as verification
from schedgen_ops.verify import run as verifier
from schedgen_ops.verify import serving


def put_right(site: Site, serving: Release, begun: Sequence[Release]) -> None:
    """What a killed run may have left, taken away; and the services of the tiers as `serving` has them.

    Without `begun`, the releases that the run was making, nothing is replaced: what differs then is nobody's
    leftover, and what is in no tier is never touched.
    """
    _started(site)
    if not begun and not _complete(site, serving) and not ingress.half(site, serving):
        return
    site.righted = site.righted or "what an interrupted run had left beside what serves was removed"
    ingress.repair(site, serving)
    for release in begun:
        site.new = release
        left = {box.service for box in site.containers() if box.release == release.id}
        names = sorted(left & release.services.keys())
        at_once([partial(_revert, site, name, grace) for name, grace in [(n, site.grace(n)) for n in names]])
    retire(site, _complete(site, serving), serving)
    if not begun:
        return
    records = serving.services
    order = [name for tier in site.settings.tiers for name in tier.services if name in records]
    changes = rollout.changes(order, records, site.containers(), serving)
    wrong = {change.service: records[change.service] for change in changes if change.touches}
    for wave in waves(wrong):
        _put_back(site, serving, wave)


def _complete(site: Site, serving: Release) -> list[str]:
    """Services of which `serving` has all its containers, whatever else is beside them."""
    boxes = site.containers()
    ours = Counter(box.service for box in boxes if box.release == serving.id and box.good)
    every = Counter(box.service for box in boxes)
    behind = ingress.behind(serving).items()
    return [name for name, record in behind if record.replicas <= ours[name] < every[name]]


def roll(site: Site, services: Iterable[str], grouped: Grouping = waves) -> None:
    """Those of `services` that changed; those of a group go together."""
    records, wanted = site.release.services, list(services)
    if not any(name in records for name in wanted):
        site.say("The release has none of these services here")
    changes = rollout.changes(wanted, records, site.containers(), site.old)
    for change in changes:
        if not change.touches:
            site.say(f"Service {change.service} unchanged, left as it is")
    reasons = {change.service: change.reason for change in changes if change.touches}
    for wave in grouped({name: records[name] for name in reasons}):
        for name in wave:
            site.show(f"{name}: {reasons[name]}")
            site.touched.append(name)
        took = _replace(site, site.release, wave, share=site.share)
        timed = {name: replace(records[name], seconds=seconds) for name, seconds in took.items()}
        site.new = replace(site.release, services={**site.release.services, **timed})


def roll_back(site: Site, services: Iterable[str]) -> None:
    """Those of `services` that were touched, as the old release had them."""
    ours = [name for name in services if name in site.touched]
    grace = {name: site.grace(name) for name in ours}
    for service in ours:
        # What was left alone by Ctrl-C or a lost connection ends what it began first.
        patience = 900 + grace[service]
        site.run(scripts.finished(site.paths.state, service, patience), deadline=patience + QUICK)
    if ours:
        # Containers see the files that they mount as the work tree has them when they start.
        code.switch_back(site)
    at_once([partial(_revert, site, name, grace[name]) for name in ours])
    old = site.old.services if site.old else {}
    changes = rollout.changes(ours, old, site.containers(), site.old)
    back = {change.service: old[change.service] for change in changes if change.touches}
    for wave in reversed(waves(back)):
        if site.old is not None:
            _put_back(site, site.old, wave)
    for service in ours:
        if service not in old:
            folder = site.paths.release(site.release.id)
            roller.remove(site.remote, site.compose, folder, service, grace[service])
            site.containers_changed()
            site.say(f"Service {service} was new, and is removed")
        site.touched.remove(service)


def _put_back(site: Site, release: Release, wave: Sequence[str]) -> None:
    """Services as `release`, the one that serves, has them; a reboot brings them back."""
    _replace(site, release, wave, f"is back at release {release.id}")
    retire(site, wave, release)
    _named(site, release.id, [name for name in wave if name in ingress.behind(release)])


def _named(site: Site, release: str, behind: Sequence[str], record: Release | None = None) -> None:
    command = scripts.promote(site.compose, site.paths, release, behind, record)
    site.run(command, deadline=900 + QUICK)


def _revert(site: Site, service: str, grace: float) -> None:
    record = site.release.services[service]
    if record.proxies and roller.revert(
        site.remote, site.compose, site.release.id, service, record, site.settings, grace
    ):
        site.say(f"Service {service}: the containers it had serve again")
    site.containers_changed()


def retire(site: Site, services: Iterable[str], release: Release) -> None:
    """The containers that `release` replaced behind the ingress go; until now they stood by."""
    behind = {name: release.services[name] for name in services if release.services[name].proxies}
    if not behind:
        return

    def one(name: str, record: ServiceRecord, grace: float) -> None:
        roller.retire(site.remote, site.compose, release.id, name, record, site.settings, grace)

    work = [partial(one, name, record, site.grace(name)) for name, record in behind.items()]
    site.containers_changed()
    at_once(work)


def _replace(
    site: Site, release: Release, wave: Iterable[str], done: str = "", share: int = 100
) -> dict[str, float]:
    took: dict[str, float] = {}
    answering: list[float] = []
    names = list(wave)
    grace = {name: site.grace(name) for name in names}

    def one(name: str) -> None:
        record = release.services[name]
        replaced = roller.replace(
            site.remote, site.compose, release.id, name, record, site.settings, site.show, share, grace[name]
        )
        answering.append(site.clock.monotonic() - replaced.ending)
        took[name] = round(replaced.seconds, 1)
        site.say(f"Service {name} {done or f'updated successfully ({replaced.seconds:.1f}s)'}")

    site.containers_changed()
    alone = [name for name in names if release.services[name].strategy == Strategy.STOP_FIRST]
    beside = [partial(one, name) for name in names if name not in alone]
    if beside:
        at_once(beside)
    for name in alone:
        one(name)
    site.answering = max(answering, default=site.answering)
    return took


def verify(site: Site, *, settle: bool) -> None:
    """Everything answers; and, to `settle`, what was replaced stays up for a while first.

    Raises:
        OpsError: naming every check that did not pass.
    """
    if settle:
        ours = [box for box in site.containers() if box.release == site.release.id]
        verifier.settled(site.remote, site.settings, ours)
    findings = verifier.patiently(site.remote, site.settings)
    _pass(site, "Deployment verification failed", verification.failed(findings))
    site.checked = len(findings)
    if findings:
        site.say(f"All critical services are healthy ({len(findings)} checks passed)")


def answers(site: Site) -> None:
    """What was there before this run had the time to start, and passes the checks that concern it.

    Raises:
        OpsError: naming every check that did not pass.
    """
    if not site.before:
        return
    _started(site)
    what = site.old.id if site.old else "what ran before"
    bad = serving.wrong(site.remote, site.settings, site.before)
    _pass(site, f"{what} is in place, and does not pass its checks", bad)


def _started(site: Site) -> None:
    """What is starting has the time for it: until then nobody knows whether it is well."""
    wait = site.settings.health.deadline
    if starting := [box.id for box in site.containers() if box.health == "starting"]:
        site.remote.run(scripts.well(site.compose, starting, wait), deadline=wait + QUICK, check=False)
        site.containers_changed()


def _pass(site: Site, message: str, failed: Sequence[verification.Finding]) -> None:
    if failed:
        raise OpsError(
            message,
            host=site.remote.name,
            detail="\n".join(f"{finding.check}: {finding.text}" for finding in failed),
            hint="`inv verify.quick` runs the same checks again; `docker compose logs SERVICE` tells why.",
        )


def reopen(site: Site) -> None:
    """The record open again, and the release before it the one that serves: the new one is taken back."""
    if site.new is None or site.new.state is not State.DONE:
        return
    site.new = replace(site.new, state=State.STARTED, finished="")
    store.set_current(site.remote, site.paths, site.old.id if site.old else "")
    store.write(site.remote, site.paths, site.new)


def leftovers(site: Site) -> None:
    """Tells of services that run and that nobody deploys."""
    have = {service.name for service in site.services} or set(site.release.services)
    for service in rollout.removed(site.containers(), have):
        site.warn(f"Service {service} still runs, and the release no longer has it")


def serve(site: Site) -> None:
    """The release is DONE, and the one that serves."""
    done = replace(site.release, state=State.DONE, finished=stamp(site.clock.now()))
    behind = [name for name in site.touched if name in ingress.behind(done)]
    # Should the answer be lost, `reopen` has something to take back.
    site.new = done
    _named(site, done.id, behind, done)


def close(site: Site, state: State, error: str = "", steps: tuple[tuple[str, float], ...] = ()) -> None:
    """The record closed."""
    if site.new is None:
        return
    now = stamp(site.clock.now())
    site.new = replace(site.new, state=state, finished=now, error=error, steps=steps)
    store.write(site.remote, site.paths, site.new)
