"""The owner's own names for images: Compose by hand, in the project's directory, starts what serves."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands import compose as c
from schedgen_ops.deploy import resolving
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.host_context import QUICK
from schedgen_ops.release.record import Release
from schedgen_ops.rollout import picked, scope


def as_owner(host_run: HostRun, release: Release) -> None:
    """Give the images that a release has built the names that its owner's definition has for them.

    Args:
        release: the one that serves.

    Raises:
        OpsError: where its definition cannot be read.
    """
    known = host_run.services or _kept(host_run, release)
    here = scope.on(known, host_run.settings, host_run.host)
    tags = [
        host_run.docker.tag(release.services[each.name].image, built_as(host_run, each))
        for each in here
        if each.built and each.name in release.services
    ]
    if tags:
        host_run.remote.batch(tags, deadline=QUICK)


def built_as(host_run: HostRun, service: c.Service) -> str:
    """Return the name that a build by its owner gives a service's image."""
    return service.image or f"{host_run.settings.project}-{service.name}"


def _kept(host_run: HostRun, release: Release) -> Sequence[c.Service]:
    """The services of a release that was made before, as its owner's definition was then."""
    document = resolving.kept(host_run, release.id)
    try:
        found = c.parse_services(document, {})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise resolving.not_read(host_run, release.id) from error
    return picked.known(host_run.settings, found, release.tag)
