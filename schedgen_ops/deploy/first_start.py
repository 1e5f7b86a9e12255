"""A host where nothing runs yet: what no deploy replaces is started there, and all taken down again."""

from __future__ import annotations

from dataclasses import replace

from schedgen_ops.deploy import services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout import scope

# Compose takes services down one after the other where they need each other.
_DOWN = 900.0


def start(host_run: HostRun) -> None:
    """Start what has to run before the schema is migrated: the data, and what the migrations need."""
    names = scope.at_first(host_run.settings, host_run.host, host_run.release.services)
    if names:
        host_run.say(f"Nothing runs here yet: starting {', '.join(names)}")
        services.roll(host_run, names)


def rest(host_run: HostRun) -> list[str]:
    """Return the services that no deploy replaces, where they have to be started and were not yet."""
    if not (host_run.new and host_run.seen.blank):
        return []
    return scope.rest(host_run.settings, host_run.host, host_run.new.services)


def take_back(host_run: HostRun) -> None:
    """Leave a host as it was where nothing ran: no container; the volumes stay. May run twice."""
    if not (host_run.seen.blank and host_run.new):
        return
    release, seed = host_run.release, host_run.seed
    if seed is not None and seed.planted:
        # Who uses the data may not be well: it is put back without them.
        kept = scope.at_first(host_run.settings, host_run.host, release.services)
        others = {box.service for box in host_run.containers()} - {*kept}
        if others:
            _down(host_run, release.id, *sorted(others))
        seed.take_back()
    _down(host_run, release.id)
    host_run.touched.clear()


def recover(host_run: HostRun) -> None:
    """Take down what a deploy that was cut off left on such a host."""
    begun = host_run.seen.shelf.unfinished
    if not (begun and host_run.seen.blank):
        return
    # The folder of one that started something has a compose file.
    known = {box.release for box in host_run.containers()}
    if at := next((release.id for release in begun if release.id in known), None):
        host_run.warn(f"An earlier run was interrupted: {', '.join(release.id for release in begun)}")
        _down(host_run, at)
        host_run.righted = "what an interrupted run had started was taken down"
    for release in begun:
        services.close_cut_off(host_run, release)
    host_run.seen = replace(host_run.seen, containers=())


def _down(host_run: HostRun, release_id: ReleaseId, *services: str) -> None:
    """Remove containers and, where no services are named, the networks: none was there before ours."""
    boxes = [box for box in host_run.containers() if not services or box.service in services]
    if not boxes:
        return
    patience = _DOWN + sum(box.grace for box in boxes)
    host_run.run(host_run.orchestrator.down(host_run.paths.release(release_id), *services), patience)
    host_run.containers_changed()
    if not services:
        host_run.say("What was started here is taken down; the volumes are there")
