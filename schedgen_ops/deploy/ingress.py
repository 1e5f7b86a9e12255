"""The ingress of a host, as the release that is made has it, or as the one before had it."""

from __future__ import annotations

from schedgen_ops.deploy import again
from schedgen_ops.deploy.site import QUICK, Site
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import run as roller
from schedgen_ops.rollout import scripts


def behind(release: Release) -> dict[str, ServiceRecord]:
    """The services that a release has behind the ingress, by name."""
    return {name: record for name, record in release.services.items() if record.proxies}


def bring(site: Site) -> None:
    """The ingress as the new release has it; the first one takes the ports over from the old release."""
    if not behind(site.release):
        site.say("No service of this release is behind an ingress")
        return
    if site.old is not None and behind(site.old):
        _adopt(site, site.old)
    if _sync(site, site.release) is None:
        site.say("The ingress is already as this release has it")
    else:
        site.say("The ingress has the configuration of this release")


def bring_back(site: Site) -> None:
    """The ingress as the old release has it; where it never took the ports over, there is nothing to do."""
    if site.old is None or not behind(site.old):
        return
    patience = 900 + site.grace(*behind(site.old))
    site.run(scripts.finished(site.paths.state, rollout.INGRESS, patience), deadline=patience + QUICK)
    again.start(site)
    if half(site, site.old):
        _sync(site, site.old, again=True)
    elif _there(site):
        _sync(site, site.old)


def repair(site: Site, serving: Release) -> None:
    """The ingress as `serving` has it, with what a killed run left closed opened again.

    Where the ports are half handed over, that is ended, or taken back if the ingress does not answer.
    """
    if behind(serving) and (_there(site) or half(site, serving)):
        _sync(site, serving, again=True)


def half(site: Site, serving: Release) -> bool:
    """Whether the ports were about to change hands when that was cut off, or were left to nobody."""
    gates = [box for box in site.containers() if box.service == rollout.INGRESS]
    if any(box.status != "running" for box in gates):
        return True
    boxes = [box for box in site.containers() if box.service in behind(serving)]
    # What its owner started publishes the ports itself, what we did is behind an ingress.
    return any(box.status != "running" or bool(box.release) != bool(gates) for box in boxes)


def _adopt(site: Site, release: Release) -> None:
    if _there(site):
        return
    site.say("The published ports change hands once: " + ", ".join(sorted(behind(release))))
    gap = _sync(site, release)
    if gap:
        site.say(f"The ingress has the ports now; they answered nobody for {gap:.2f}s")


def _sync(site: Site, release: Release, *, again: bool = False) -> float | None:
    """The seconds for which the ports answered nobody; None where everything was so already."""
    gap: float | None = 0.0
    try:
        gap = roller.open_ingress(
            site.remote,
            site.compose,
            release.id,
            behind(release),
            site.settings,
            repair=again,
            grace=site.grace(*behind(release)),
        )
    finally:
        if gap is not None:
            site.containers_changed()
    return gap


def _there(site: Site) -> bool:
    return any(box.service == rollout.INGRESS for box in site.containers())
