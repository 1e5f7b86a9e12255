"""What a definition says where releases are images: which of them a release picks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schedgen_ops.commands import picks
from schedgen_ops.commands.compose import Service
from schedgen_ops.commands.own_files import Tracked
from schedgen_ops.commands.picks import AS_IT_STANDS, Pick
from schedgen_ops.rollout.plan import below, mounted
from schedgen_ops.settings import Settings


def pick(settings: Settings, tag: str) -> Pick:
    """Return how the definition is read; "" reads it as it stands."""
    asked = settings.release
    return picks.picking(tag, asked.variable, asked.images) if tag and not settings.from_git else AS_IT_STANDS


def known(settings: Settings, services: Sequence[Service], tag: str) -> tuple[Service, ...]:
    """Return the services of a definition as they are run: nothing is built where releases are images."""
    return tuple(services) if settings.from_git else picks.pulled(services, tag)


def images(services: Iterable[Service]) -> tuple[str, ...]:
    """Return the images of which a release picks the tag, each once."""
    return tuple(dict.fromkeys(service.image for service in services if service.picked))


def own_mounts(services: Sequence[Service], directory: str) -> tuple[str, ...]:
    """Return what services mount and none may write to, below the project's directory.

    Without git nothing tells configuration from data but that.
    """
    written = {below(path, directory) for service in services for path in service.binds}
    inside = (path for path in mounted(services, directory) if not path.startswith(".."))
    return tuple(path for path in inside if path not in written and path != ".")


def own(services: Sequence[Service], directory: str, tracked: Tracked) -> Tracked:
    """Return of hashes by their paths those of the project's own files, see `own_mounts`."""
    wanted = own_mounts(services, directory)
    return Tracked({path: id_ for path, id_ in tracked.ids.items() if path in wanted})
