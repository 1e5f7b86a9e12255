"""What was seen, put together: the project, its database, what moves the schema, its jobs. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from schedgen_ops import databases
from schedgen_ops.commands import stores
from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.image_names import repository_of, tag_of
from schedgen_ops.drafting.frameworks import FRAMEWORKS, Framework
from schedgen_ops.drafting.seen import Seen

_MIGRATES = re.compile(r"migrat", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """A service that is a server of databases: its engine, and the `user` and `name` of its database."""

    service: Service
    engine: str
    user: str
    name: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What moves the schema.

    Attributes:
        shown: the file that shows it.
        services: those whose images have it.
        path: where its migrations are, "" where that was not seen.
    """

    framework: Framework
    shown: str
    services: tuple[str, ...]
    path: str


def projects(seen: Seen) -> tuple[str, ...]:
    """Return the names under which containers were made from the folder."""
    return tuple(sorted({project for project, _, _ in seen.runs}))


def servers(seen: Seen) -> tuple[Server, ...]:
    """Return the services that are servers of databases, the one that was chosen before the others."""
    found = [
        Server(service, engine, told["user"], told["name"])
        for service in seen.services
        for engine in databases.ENGINES
        if (told := databases.engine_of(engine).recognised(seen.body(service.name))) is not None
    ]
    return tuple(sorted(found, key=lambda server: server.service.name != seen.chosen.get("database")))


def users(seen: Seen, store: str) -> list[str]:
    """Return the services that need a store and go on running."""
    return [each.name for each in seen.services if store in each.needs and not (each.ends or each.may_end)]


def picked(seen: Seen) -> tuple[str, str]:
    """Return the variable that is the tag of what CI built, and its tag there; "" for what was not seen."""
    for variable, image in seen.tagged:
        for service in seen.services:
            named = repository_of(service.image) == image
            if named and not service.built and not stores.holds(service.image):
                return variable, tag_of(service.image)
    return "", ""


def released(service: Service, tagged: Collection[str]) -> bool:
    """Return whether a release changes the image of a service: it is built, or has one of these at a tag."""
    return service.built or repository_of(service.image) in tagged


def migrating_job(seen: Seen) -> str:
    """Return the job that moves the schema, "" for none."""
    jobs = (each.name for each in seen.services if (each.ends or each.may_end) and _migrates(seen, each))
    return next(jobs, "")


def moved(seen: Seen) -> Moved | None:
    """Return what moves the schema, by the files of the repository."""
    for kind, shown in seen.moves:
        framework = FRAMEWORKS[kind]
        root = posixpath.normpath(posixpath.join(posixpath.dirname(shown), framework.root))
        root = "" if root == "." else root
        near = [each.name for each in seen.services if each.built and _inside(seen, each, shown)]
        near.sort(key=lambda name: name != seen.chosen.get("migrations"))
        folders = [folder for folder in seen.folders if _below(root, folder)]
        path = posixpath.join(root, framework.path) if framework.path else ""
        if folders and (len(folders) == 1 or not path):
            path = folders[0]
        return Moved(framework, shown, tuple(near), path)
    return None


def ended_jobs(seen: Seen) -> list[str]:
    """Return the services that may end, and did so well: nothing starts them again."""
    well = {service for _, service, status in seen.runs if status.startswith("Exited (0)")}
    return [name for name in _may_end(seen) if name in well]


def open_jobs(seen: Seen) -> list[str]:
    """Return the services that may end, and never ran there; and others that ended well and do not come back.

    The latter may be servers that somebody stopped.
    """
    known = {service for _, service, _ in seen.runs}
    running = {service for _, service, status in seen.runs if not status.startswith("Exited (0)")}
    ended = [
        each.name
        for each in seen.services
        if each.name in known - running
        and not (each.ends or each.may_end or each.ports)
        and seen.body(each.name).get("restart") in (None, "", "no")
    ]
    return [*(name for name in _may_end(seen) if name not in known), *ended]


def _may_end(seen: Seen) -> Iterator[str]:
    return (each.name for each in seen.services if each.may_end and not each.ends)


def _migrates(seen: Seen, service: Service) -> bool:
    body = seen.body(service.name)
    said = f"{service.name} {body.get('command') or ''} {body.get('entrypoint') or ''}"
    return bool(_MIGRATES.search(said))


def _inside(seen: Seen, service: Service, path: str) -> bool:
    """Whether a file of the project is in the folder that a service is built from."""
    context = posixpath.relpath(service.context, seen.directory)
    return _below("" if context == "." else context, path)


def _below(folder: str, path: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")
