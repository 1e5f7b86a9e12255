"""What state services keep: their definition alone does not tell it, their images and files do. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from schedgen_ops.commands.compose import Service
from schedgen_ops.commands.docker import VOLUMES, Container, Image
from schedgen_ops.commands.image_names import full
from schedgen_ops.rollout.plan import below
from schedgen_ops.settings import Settings

Volumes = Mapping[str, Sequence[str]]
"""Where the image of each service declares volumes, by the service's name."""

# What a host has there is the machine's own, and any number of containers may see it.
_MACHINE = tuple(map(PurePosixPath, ("/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/tmp", "/var/run")))


def volumes(services: Iterable[Service], images: Iterable[Image], running: Iterable[Container]) -> Volumes:
    """Return where images declare volumes that services will run, as far as they are on the host.

    What is still to be built or pulled is taken to be as what runs now.
    """
    known = tuple(images)
    by_id = {image.id: image for image in known}
    by_name = {name: image for image in known for name in image.names}
    runs = {box.service: by_id[box.image] for box in running if box.image in by_id}
    found: dict[str, Sequence[str]] = {}
    for service in services:
        named = None if service.built else by_name.get(full(service.image))
        if image := named or runs.get(service.name):
            found[service.name] = image.volumes
    return found


def judged(
    services: Iterable[Service], settings: Settings, declared: Volumes, tracked: Collection[str]
) -> tuple[Service, ...]:
    """Return services with what their images and their mounts say of their state.

    Args:
        declared: where their images declare volumes, see `volumes`.
        tracked: those of the mounted paths that are the project's own files, as git names them.
    """
    env = str(PurePosixPath(settings.directory) / settings.env_file)

    def data(path: str) -> bool:
        inside = PurePosixPath(path).is_relative_to(settings.directory)
        others = path == env or path.endswith(".sock") or (_machines(path) and not inside)
        return not others and below(path, settings.directory) not in tracked

    known = tuple(services)
    own = {service.name: _own(service, declared.get(service.name, ())) for service in known}
    return tuple(
        replace(
            service,
            own=own[service.name],
            volumes=tuple(dict.fromkeys((*service.volumes, *_lent(service, own)))),
            keeps=_keeps(service, settings),
            writes=tuple(filter(data, service.binds)),
        )
        for service in known
    )


def _keeps(service: Service, settings: Settings) -> str:
    """What of the config's it is that holds data."""
    for what, part in (("database", settings.database), ("object store", settings.objects)):
        if part and part.service == service.name:
            return f"it is the {what}"
    return ""


def _lent(service: Service, own: Volumes) -> Iterator[str]:
    """The volumes of other services' containers that it writes to, and that have no name."""
    for name, what in service.uses:
        if what == VOLUMES:
            yield from own.get(name, ())


def _own(service: Service, declared: Iterable[str]) -> tuple[str, ...]:
    """Where each container has a volume of its own: what nothing covers gets a new one."""
    covered = {_plain(path) for path in service.covered}
    hidden = (path for path in declared if _plain(path) not in covered)
    return tuple(dict.fromkeys((*service.own, *hidden)))


def _plain(path: str) -> str:
    return path.rstrip("/") or "/"


def _machines(path: str) -> bool:
    return any(PurePosixPath(path).is_relative_to(each) for each in _MACHINE)
