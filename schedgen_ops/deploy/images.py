"""Steps 2, 3 and 8: the images of a release made, used for the schema, dropped when nobody needs them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from schedgen_ops.command_errors import checked
from schedgen_ops.commands import compose as c
from schedgen_ops.commands import files, git
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.fleet import at_once
from schedgen_ops.host_context import QUICK
from schedgen_ops.proxy import chosen
from schedgen_ops.proxy.routes import routes as routes_of
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State, kept, origin
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command

# What the classic builder says when it starts a container for a step.
_STEP = re.compile(r"---> Running in ([0-9a-f]{12})\b")


def resolve(
    host_run: HostRun, release_id: ReleaseId, commit: str
) -> tuple[tuple[c.Service, ...], Mapping[str, str]]:
    """Keep the resolved compose file for a release; return its services and the git ids of mounted files."""
    answer = host_run.run(host_run.orchestrator.resolve(host_run.paths.release(release_id))).stdout
    services = c.parse_resolved(answer)
    mounts = rollout.mounted(services, host_run.settings.directory)
    return services, git.parse_tree_ids(host_run.in_project(git.tree_ids(commit, mounts)).stdout)


def describe(
    settings: Settings,
    host: HostSettings,
    services: Iterable[c.Service],
    release_id: ReleaseId,
    known: Release | None,
    tracked: Mapping[str, str],
) -> dict[str, ServiceRecord]:
    """Return the record of each service that a release is to run on a host, without the images' ids.

    Args:
        known: the release before, which knows how long replacing a service took.
        tracked: path in the project to git object id, of the files that services mount.
    """
    records: dict[str, ServiceRecord] = {}
    routes = routes_of(services, settings.checks)
    here = scope.on(services, settings, host)
    hows = registry.chosen(here, settings)
    for service in here:
        how, before = hows[service.name], known.services.get(service.name) if known else None
        records[service.name] = ServiceRecord(
            image=rollout.image_name(settings.project, service.name, release_id),
            image_id="",
            definition=rollout.definition(service, tracked, settings.directory),
            written=service.definition,
            replicas=service.replicas,
            strategy=how.name,
            proxies=tuple(route.proxy for route in routes if how.behind and route.service == service.name),
            needs=service.needs,
            restarts_with=service.restarts_with,
            seconds=before.seconds if before else 0.0,
        )
    return records


def pin(
    host_run: HostRun,
    release_id: ReleaseId,
    services: Iterable[c.Service],
    records: Mapping[str, ServiceRecord],
) -> None:
    """Write the compose file of a release: its own image names, our labels, and the ingress if it has one."""
    folder, settings = host_run.paths.release(release_id), host_run.settings
    behind = [s for s in services if s.name in records and records[s.name].proxies]
    routes, proxy = routes_of(behind, settings.checks), chosen(settings)
    networks = {network for service in behind for network in service.networks}
    gate = proxy.service(settings.ingress.image, host_run.paths.ingress, routes, networks) if routes else None
    text = proxy.render(routes, gate, settings.ingress)
    host_run.run(files.replace(f"{folder}/{proxy.config_name}", text))
    host_run.run(host_run.orchestrator.pin(folder, rollout.overlay(records, release_id, gate, services)))


def build(host_run: HostRun) -> None:
    """Build every image of the new release under the release's own names; touch nothing that runs."""
    release = host_run.release
    host_run.services, tracked = resolve(host_run, release.id, release.commit)
    records = describe(host_run.settings, host_run.host, host_run.services, release.id, host_run.old, tracked)
    pin(host_run, release.id, host_run.services, records)
    at_once(
        [partial(_pull, host_run, records), partial(_build, host_run)], interrupt=host_run.remote.interrupt
    )
    _share(host_run, records)
    host_run.new = replace(release, services=_with_ids(host_run, records))
    store.write(host_run.remote, host_run.paths, host_run.new)


def _pull(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
    ready = [service for service in host_run.scope if not service.built]
    absent = _to_pull(host_run, ready)
    if absent:
        command = host_run.orchestrator.pull(host_run.paths.release(host_run.release.id), *absent)
        host_run.stream(command, host_run.settings.build.deadline, "Pulling images")
    if any(record.proxies for record in records.values()):
        _pull_ingress(host_run)
    project, release = host_run.settings.project, host_run.release.id
    tags = [host_run.docker.tag(s.image, rollout.image_name(project, s.name, release)) for s in ready]
    _tag(host_run, tags)


def _tag(host_run: HostRun, tags: Sequence[Command]) -> None:
    """Give images their names in one round trip; the first that fails raises."""
    results = host_run.remote.batch(tags, deadline=QUICK) if tags else ()
    for command, result in zip(tags, results, strict=True):
        checked(command, result, host_run.remote.name)


def _pull_ingress(host_run: HostRun) -> None:
    image = host_run.settings.ingress.image
    if not host_run.remote.run(host_run.docker.image_ids(image), deadline=QUICK, check=False).ok:
        host_run.stream(host_run.docker("pull", image), host_run.settings.build.deadline, f"Pulling {image}")


def _to_pull(host_run: HostRun, ready: Sequence[c.Service]) -> list[str]:
    policy = host_run.settings.build.pull
    if policy != "missing" or not ready:
        return [service.name for service in ready] if policy == "always" else []
    # Compose would ask the registry for every `latest`, though the image is here.
    answers = host_run.remote.batch(
        [host_run.docker.image_ids(service.image) for service in ready], deadline=QUICK
    )
    return [service.name for service, answer in zip(ready, answers, strict=True) if not answer.ok]


def _build(host_run: HostRun) -> None:
    built = sorted({service.image_of or service.name for service in host_run.scope if service.built})
    if built:
        command = host_run.orchestrator.build(host_run.paths.release(host_run.release.id), *built)
        host_run.stream(
            command, host_run.settings.build.deadline, "Container build", partial(_note, host_run)
        )
        host_run.building.clear()
        host_run.built = tuple(built)


def _share(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
    """Give what one service builds to those that run it too, under the release's names for them."""
    tags = []
    for service in host_run.scope:
        if service.image_of:
            # A builder that belongs on another host alone has built under its owner's name here.
            builder = records.get(service.image_of)
            made = builder.image if builder else service.image
            tags.append(host_run.docker.tag(made, records[service.name].image))
    _tag(host_run, tags)


def _note(host_run: HostRun, line: str) -> None:
    if found := _STEP.search(line):
        host_run.building.append(found[1])


def _with_ids(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> dict[str, ServiceRecord]:
    if not records:
        return {}
    ids = host_run.run(host_run.docker.image_ids(*(record.image for record in records.values()))).lines()
    pairs = zip(records.items(), ids, strict=True)
    return {name: replace(record, image_id=image_id) for (name, record), image_id in pairs}


def name_as_owner(host_run: HostRun) -> None:
    """Tag the built images with the owner's own names too, so that Compose by hand starts what serves."""
    built = [
        service for service in host_run.scope if service.built and service.name in host_run.release.services
    ]
    tags = [
        host_run.docker.tag(
            host_run.release.services[s.name].image, s.image or f"{host_run.settings.project}-{s.name}"
        )
        for s in built
    ]
    if tags:
        host_run.remote.batch(tags, deadline=QUICK)


def drop(host_run: HostRun) -> None:
    """Remove the image names of the new release, which will never serve, and what its build left behind."""
    if host_run.building:
        host_run.remote.run(host_run.docker.remove(*host_run.building), deadline=QUICK, check=False)
    if host_run.new is not None:
        _untag(host_run, {host_run.new.id}, ())


def sweep(host_run: HostRun) -> None:
    """Remove the image names of releases that were taken back: a container may have kept them until now."""
    gone = {r.id for r in host_run.seen.shelf.releases if r.state in (State.FAILED, State.BROKEN)}
    if gone:
        _untag(host_run, gone, ())


def clean_up(host_run: HostRun) -> None:
    """Remove the image names of releases beyond the kept ones; an image goes with its last name."""
    shelf = store.certain(store.read(host_run.remote, host_run.paths), host_run.paths, host_run.remote.name)
    keep = kept(shelf.releases, shelf.current, host_run.settings.releases.keep)
    asked = _untag(host_run, {release.id for release in shelf.releases}, keep)
    dropped = len({*asked} - _named(host_run).keys()) if asked else 0
    count = len({origin(shelf.releases, release) for release in keep})
    host_run.say(f"Old images cleaned up ({dropped} removed, {count} releases kept)")


def _untag(host_run: HostRun, releases: Collection[ReleaseId], keep: Collection[Release]) -> tuple[str, ...]:
    """Asks for names to be removed, and returns them; one whose image a container uses may stay."""
    names = rollout.names_to_drop(_named(host_run), keep, host_run.settings.project, releases)
    if names:
        host_run.remote.run(host_run.docker.untag(*names), deadline=120, check=False)
    return tuple(names)


def _named(host_run: HostRun) -> dict[str, str]:
    listing = host_run.run(host_run.docker.images(f"{host_run.settings.project}-*"))
    return dict(line.rsplit(" ", 1) for line in listing.lines())
