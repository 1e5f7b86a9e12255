"""Steps 2, 3 and 8: the images of a release made, used for the schema, dropped when nobody needs them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from schedgen_ops.commands import compose as c
from schedgen_ops.commands import git
from schedgen_ops.deploy.site import QUICK, Site
from schedgen_ops.errors import OpsError
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, ServiceRecord, kept
from schedgen_ops.remote import checked
from schedgen_ops.rollout import plan as rollout


def resolve(site: Site, release: str, commit: str) -> tuple[tuple[c.Service, ...], Mapping[str, str]]:
    """What the compose file in the work tree says, kept for `release`; and the ids of the files it mounts."""
    answer = site.run(site.compose.resolve(site.paths.release(release))).stdout
    services = c.parse_resolved(answer)
    mounts = rollout.mounted(services, site.settings.directory)
    return services, git.parse_tree_ids(site.in_project(git.tree_ids(commit, mounts)).stdout)


def pin(site: Site, release: str, records: Mapping[str, ServiceRecord]) -> None:
    """The compose file of `release`, with its own image names and our labels."""
    site.run(site.compose.pin(site.paths.release(release), rollout.overlay(records, release)))


def build(site: Site) -> None:
    """Every image of the new release, under the release's own names; nothing that runs is touched."""
    release, directory = site.release, site.settings.directory
    site.services, tracked = resolve(site, release.id, release.commit)
    records = {
        service.name: ServiceRecord(
            image=rollout.image_name(site.settings.project, service.name, release.id),
            image_id="",
            definition=rollout.definition(service, tracked, directory),
            written=service.definition,
        )
        for service in site.scope
    }
    pin(site, release.id, records)
    _pull(site)
    _build(site)
    site.new = replace(release, services=_with_ids(site, records))
    store.write(site.remote, site.paths, site.new)


def _pull(site: Site) -> None:
    ready = [service for service in site.scope if not service.built]
    absent = _to_pull(site, ready)
    if absent:
        command = site.compose.pull(site.paths.release(site.release.id), *absent)
        site.stream(command, site.settings.build.deadline, "Pulling images")
    project, release = site.settings.project, site.release.id
    tags = [site.docker.tag(s.image, rollout.image_name(project, s.name, release)) for s in ready]
    for command, result in zip(tags, site.remote.batch(tags, deadline=QUICK) if tags else (), strict=True):
        checked(command, result, site.remote.name)


def _to_pull(site: Site, ready: Sequence[c.Service]) -> list[str]:
    policy = site.settings.build.pull
    if policy != "missing" or not ready:
        return [service.name for service in ready] if policy == "always" else []
    # Compose would ask the registry for every `latest`, though the image is here.
    answers = site.remote.batch([site.docker.image_ids(service.image) for service in ready], deadline=QUICK)
    return [service.name for service, answer in zip(ready, answers, strict=True) if not answer.ok]


def _build(site: Site) -> None:
    built = [service.name for service in site.scope if service.built]
    if built:
        command = site.compose.build(site.paths.release(site.release.id), *built)
        site.stream(command, site.settings.build.deadline, "Container build")


def _with_ids(site: Site, records: Mapping[str, ServiceRecord]) -> dict[str, ServiceRecord]:
    if not records:
        return {}
    ids = site.run(site.docker.image_ids(*(record.image for record in records.values()))).lines()
    pairs = zip(records.items(), ids, strict=True)
    return {name: replace(record, image_id=image_id) for (name, record), image_id in pairs}


def migrate(site: Site) -> None:
    """The schema at the release's state, by its own image, while the old release serves."""
    migrations = site.settings.migrations
    if migrations is None:
        return
    folder = site.paths.release(site.release.id)
    command = site.compose.run(folder, migrations.service, *migrations.run)
    try:
        site.stream(command, migrations.deadline, "Database migrations")
    except OpsError:
        _remove_one_off(site)
        raise


def _remove_one_off(site: Site) -> None:
    listed = site.docker.one_off(site.settings.project, site.release.id)
    names = site.remote.run(listed, deadline=60, check=False).lines()
    if names:
        site.remote.run(site.docker.remove(*names), deadline=60, check=False)


def name_as_owner(site: Site) -> None:
    """The built images under the owner's own names too, so that Compose by hand starts what serves."""
    built = [service for service in site.scope if service.built and service.name in site.release.services]
    tags = [
        site.docker.tag(site.release.services[s.name].image, s.image or f"{site.settings.project}-{s.name}")
        for s in built
    ]
    if tags:
        site.remote.batch(tags, deadline=QUICK)


def drop(site: Site) -> None:
    """The image names of the new release: it will never serve."""
    if site.new is not None:
        _untag(site, {site.new.id}, ())


def clean_up(site: Site) -> None:
    """The image names of releases beyond the kept ones; an image goes with its last name."""
    shelf = store.read(site.remote, site.paths)
    keep = kept(shelf.releases, shelf.current, site.settings.releases.keep)
    dropped = _untag(site, {release.id for release in shelf.releases}, keep)
    site.say(f"Old images cleaned up ({dropped} removed, {len(keep)} releases kept)")


def _untag(site: Site, releases: Collection[str], keep: Collection[Release]) -> int:
    project = site.settings.project
    listing = site.run(site.docker.images(f"{project}-*"))
    images = dict(line.rsplit(" ", 1) for line in listing.lines())
    names = rollout.names_to_drop(images, keep, project, releases)
    if names:
        site.remote.run(site.docker.untag(*names), deadline=120, check=False)
    return len(names)
