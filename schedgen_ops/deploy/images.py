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
from schedgen_ops.errors import OpsError
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

# What the classic builder says when it starts a container for a step.
_STEP = re.compile(r"---> Running in ([0-9a-f]{12})\b")


def resolve(
    site: HostRun, release_id: ReleaseId, commit: str
) -> tuple[tuple[c.Service, ...], Mapping[str, str]]:
    """Keep the resolved compose file for a release; return its services and the git ids of mounted files."""
    answer = site.run(site.orchestrator.resolve(site.paths.release(release_id))).stdout
    services = c.parse_resolved(answer)
    mounts = rollout.mounted(services, site.settings.directory)
    return services, git.parse_tree_ids(site.in_project(git.tree_ids(commit, mounts)).stdout)


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
            seconds=before.seconds if before else 0.0,
        )
    return records


def pin(
    site: HostRun, release_id: ReleaseId, services: Iterable[c.Service], records: Mapping[str, ServiceRecord]
) -> None:
    """Write the compose file of a release: its own image names, our labels, and the ingress if it has one."""
    folder, settings = site.paths.release(release_id), site.settings
    behind = [s for s in services if s.name in records and records[s.name].proxies]
    routes, proxy = routes_of(behind, settings.checks), chosen(settings)
    networks = {network for service in behind for network in service.networks}
    gate = proxy.service(settings.ingress.image, site.paths.ingress, routes, networks) if routes else None
    site.run(files.replace(f"{folder}/{proxy.config_name}", proxy.render(routes, gate)))
    site.run(site.orchestrator.pin(folder, rollout.overlay(records, release_id, gate)))


def build(site: HostRun) -> None:
    """Build every image of the new release under the release's own names; touch nothing that runs."""
    release = site.release
    site.services, tracked = resolve(site, release.id, release.commit)
    records = describe(site.settings, site.host, site.services, release.id, site.old, tracked)
    pin(site, release.id, site.services, records)
    at_once([partial(_pull, site, records), partial(_build, site)], interrupt=site.remote.interrupt)
    site.new = replace(release, services=_with_ids(site, records))
    store.write(site.remote, site.paths, site.new)


def _pull(site: HostRun, records: Mapping[str, ServiceRecord]) -> None:
    ready = [service for service in site.scope if not service.built]
    absent = _to_pull(site, ready)
    if absent:
        command = site.orchestrator.pull(site.paths.release(site.release.id), *absent)
        site.stream(command, site.settings.build.deadline, "Pulling images")
    if any(record.proxies for record in records.values()):
        _pull_ingress(site)
    project, release = site.settings.project, site.release.id
    tags = [site.docker.tag(s.image, rollout.image_name(project, s.name, release)) for s in ready]
    for command, result in zip(tags, site.remote.batch(tags, deadline=QUICK) if tags else (), strict=True):
        checked(command, result, site.remote.name)


def _pull_ingress(site: HostRun) -> None:
    image = site.settings.ingress.image
    if not site.remote.run(site.docker.image_ids(image), deadline=QUICK, check=False).ok:
        site.stream(site.docker("pull", image), site.settings.build.deadline, f"Pulling {image}")


def _to_pull(site: HostRun, ready: Sequence[c.Service]) -> list[str]:
    policy = site.settings.build.pull
    if policy != "missing" or not ready:
        return [service.name for service in ready] if policy == "always" else []
    # Compose would ask the registry for every `latest`, though the image is here.
    answers = site.remote.batch([site.docker.image_ids(service.image) for service in ready], deadline=QUICK)
    return [service.name for service, answer in zip(ready, answers, strict=True) if not answer.ok]


def _build(site: HostRun) -> None:
    built = [service.name for service in site.scope if service.built]
    if built:
        command = site.orchestrator.build(site.paths.release(site.release.id), *built)
        site.stream(command, site.settings.build.deadline, "Container build", partial(_note, site))
        site.building.clear()
        site.built = tuple(built)


def _note(site: HostRun, line: str) -> None:
    if found := _STEP.search(line):
        site.building.append(found[1])


def _with_ids(site: HostRun, records: Mapping[str, ServiceRecord]) -> dict[str, ServiceRecord]:
    if not records:
        return {}
    ids = site.run(site.docker.image_ids(*(record.image for record in records.values()))).lines()
    pairs = zip(records.items(), ids, strict=True)
    return {name: replace(record, image_id=image_id) for (name, record), image_id in pairs}


def migrate(site: HostRun) -> None:
    """Migrate the schema with the release's own image, while the old release serves."""
    migrations = site.settings.migrations
    if migrations is None:
        return
    run_migrations(site, site.release.id, migrations.run)


def run_migrations(site: HostRun, release_id: ReleaseId, command: Sequence[str]) -> None:
    """Run one of the migrations' commands in a throwaway container of a release.

    Raises:
        OpsError: when it failed or ran out of time; the container is removed all the same.
    """
    migrations = site.settings.migrations
    if migrations is None:
        return
    once = site.orchestrator.run(site.paths.release(release_id), migrations.service, *command)
    try:
        site.stream(once, migrations.deadline, "Database migrations")
    except OpsError:
        remove_one_off(site, release_id)
        raise


def migrate_again(site: HostRun, rollback: Release, serving: Release | None) -> None:
    """Migrate the schema to what `serving` needs, where a rollback that is taken back reverted migrations."""
    if rollback.reverted and serving is not None and site.settings.migrations is not None:
        run_migrations(site, serving.id, site.settings.migrations.run)


def remove_one_off(site: HostRun, release_id: ReleaseId) -> None:
    """Remove the throwaway containers of a release that were left behind."""
    listed = site.docker.one_off(site.settings.project, release_id)
    names = site.remote.run(listed, deadline=60, check=False).lines()
    if names:
        site.remote.run(site.docker.remove(*names), deadline=60, check=False)


def name_as_owner(site: HostRun) -> None:
    """Tag the built images with the owner's own names too, so that Compose by hand starts what serves."""
    built = [service for service in site.scope if service.built and service.name in site.release.services]
    tags = [
        site.docker.tag(site.release.services[s.name].image, s.image or f"{site.settings.project}-{s.name}")
        for s in built
    ]
    if tags:
        site.remote.batch(tags, deadline=QUICK)


def drop(site: HostRun) -> None:
    """Remove the image names of the new release, which will never serve, and what its build left behind."""
    if site.building:
        site.remote.run(site.docker.remove(*site.building), deadline=QUICK, check=False)
    if site.new is not None:
        _untag(site, {site.new.id}, ())


def sweep(site: HostRun) -> None:
    """Remove the image names of releases that were taken back: a container may have kept them until now."""
    gone = {r.id for r in site.seen.shelf.releases if r.state in (State.FAILED, State.BROKEN)}
    if gone:
        _untag(site, gone, ())


def clean_up(site: HostRun) -> None:
    """Remove the image names of releases beyond the kept ones; an image goes with its last name."""
    shelf = store.certain(store.read(site.remote, site.paths), site.paths, site.remote.name)
    keep = kept(shelf.releases, shelf.current, site.settings.releases.keep)
    asked = _untag(site, {release.id for release in shelf.releases}, keep)
    dropped = len({*asked} - _named(site).keys()) if asked else 0
    count = len({origin(shelf.releases, release) for release in keep})
    site.say(f"Old images cleaned up ({dropped} removed, {count} releases kept)")


def _untag(site: HostRun, releases: Collection[ReleaseId], keep: Collection[Release]) -> tuple[str, ...]:
    """Asks for names to be removed, and returns them; one whose image a container uses may stay."""
    names = rollout.names_to_drop(_named(site), keep, site.settings.project, releases)
    if names:
        site.remote.run(site.docker.untag(*names), deadline=120, check=False)
    return tuple(names)


def _named(site: HostRun) -> dict[str, str]:
    listing = site.run(site.docker.images(f"{site.settings.project}-*"))
    return dict(line.rsplit(" ", 1) for line in listing.lines())
