"""Images from elsewhere, pulled where they are not there, and kept by a release under its own names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from schedgen_ops.command_errors import checked
from schedgen_ops.commands import compose as c
from schedgen_ops.commands import registry
from schedgen_ops.commands.image_names import repository_of
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.host_context import QUICK
from schedgen_ops.release.record import Release, ServiceRecord
from schedgen_ops.rollout import plan as rollout
from schedgen_ops.shell import Command


def pull(host_run: HostRun, records: Mapping[str, ServiceRecord]) -> None:
    """Pull what is not built here, as the config says, and give it the names of the release."""
    ready = [service for service in host_run.scope if not service.built]
    _pull(host_run, _to_pull(host_run, ready))
    if any(record.proxies for record in records.values()):
        pull_ingress(host_run)
    project, release = host_run.settings.project, host_run.release.id
    tags = [host_run.docker.tag(s.image, rollout.image_name(project, s.name, release)) for s in ready]
    tag(host_run, tags)


def _pull(host_run: HostRun, services: Sequence[c.Service]) -> None:
    """Those of a registry as who is signed in there for so long; the others as the host is."""
    deadline = host_run.settings.build.deadline
    login = host_run.context.login if services else None
    theirs = [service for service in services if registry.at(login, service.image)]
    others = [service.name for service in services if service not in theirs]
    if login and theirs:
        images = tuple(dict.fromkeys(service.image for service in theirs))
        host_run.stream(registry.pull(host_run.docker, login, images), deadline, "Pulling images")
    if others:
        command = host_run.orchestrator.pull(host_run.paths.release(host_run.release.id), *others)
        host_run.stream(command, deadline, "Pulling images")


def tag(host_run: HostRun, tags: Sequence[Command]) -> None:
    """Give images their names in one round trip; the first that fails raises."""
    results = host_run.remote.batch(tags, deadline=QUICK) if tags else ()
    for command, result in zip(tags, results, strict=True):
        checked(command, result, host_run.remote.name)


def pull_ingress(host_run: HostRun) -> None:
    """Pull the ingress's image, if it is not there."""
    image = host_run.settings.ingress.image
    if not host_run.remote.run(host_run.docker.image_ids(image), deadline=QUICK, check=False).ok:
        host_run.stream(host_run.docker("pull", image), host_run.settings.build.deadline, f"Pulling {image}")


def _to_pull(host_run: HostRun, ready: Sequence[c.Service]) -> list[c.Service]:
    """What a release picks is asked for anew, since a tag may move; the rest as the config says."""
    policy = host_run.settings.build.pull
    if policy != "missing" or not ready:
        return list(ready) if policy == "always" else []
    # Compose would ask the registry for every `latest`, though the image is here.
    answers = host_run.remote.batch(
        [host_run.docker.image_ids(service.image) for service in ready], deadline=QUICK
    )
    return [each for each, answer in zip(ready, answers, strict=True) if each.picked or not answer.ok]


def forget(host_run: HostRun, releases: Iterable[Release], keep: Iterable[Release] = ()) -> None:
    """Remove the names by which releases pulled their images, but for those of `keep`.

    An image goes with its last name, which may be a release's own; what nobody would pull again stays.
    """
    if host_run.settings.build.pull == "never":
        return
    old = {name for release in releases for name in _names(release)}
    old -= {name for release in keep for name in _names(release)}
    found: set[str] = set()
    for repository in sorted({repository_of(name) for name in old}):
        listing = host_run.remote.run(host_run.docker.images(repository), deadline=QUICK, check=False)
        found |= {line.rpartition(" ")[0] for line in listing.lines()}
    if gone := sorted(old & found):
        host_run.remote.run(host_run.docker.untag(*gone), deadline=120, check=False)


def _names(release: Release) -> Iterator[str]:
    digests = [one.digest for one in release.services.values() if one.digest and release.tag]
    return (f"{repository_of(digest)}:{release.tag}" for digest in digests)
