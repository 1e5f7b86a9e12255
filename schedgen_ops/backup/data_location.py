"""The location of a host's data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from schedgen_ops.backup.catalog import names
from schedgen_ops.commands import docker
from schedgen_ops.host_context import HostContext
from schedgen_ops.settings import Database, Objects, Settings
from schedgen_ops.shell import Value

# Stand for what an environment does not have: their place is "", and nothing is asked of them.
NO_DATABASE = Database(service="none", user="none", name="none")
NO_OBJECTS = Objects(service="none", path="/none")


@dataclass(frozen=True, slots=True)
class DataLocation:
    """The containers that hold a host's data. An empty id is a part that is left alone.

    Attributes:
        database, objects: the containers of the database and of the object store.
        image: the object store's image.
        stamp: the restore's time, YYYYMMDD_HHMMSS in UTC: what is put aside is called after it.
    """

    docker: docker.Docker
    database: str
    objects: str
    image: str
    stamp: str
    of_database: Database
    of_objects: Objects

    @property
    def new(self) -> str:
        """The restored database's name until it is swapped in."""
        return names.new(self.of_database.name, self.stamp)

    @property
    def before(self) -> str:
        """The old database's name once it was swapped out."""
        return names.before(self.of_database.name, self.stamp)

    @property
    def values(self) -> dict[str, Value]:
        """The values that every script that works on the data is given, by name."""
        base = self.of_database
        return {
            "engine": base.engine,
            "kind": self.of_objects.kind,
            "docker": self.docker.words,
            "db": self.database,
            "user": base.user,
            "name": base.name,
            "new": self.new,
            "before": self.before,
            "mark": names.mark(base.name, self.stamp),
            "store": self.objects,
            "image": self.image,
            "path": self.of_objects.path,
            "stamp": self.stamp,
        }


def used_by(settings: Settings, parts: Collection[str]) -> tuple[str, ...]:
    """Return the services that use data of these parts: database, objects."""
    stored = {"database": settings.database, "objects": settings.objects}
    chosen = [part for name, part in stored.items() if part and name in parts]
    return tuple(dict.fromkeys(service for part in chosen for service in part.used_by))


def running(host: HostContext) -> tuple[docker.Container, ...]:
    """Return the project's containers."""
    listing = host.run(host.docker.containers(host.settings.project))
    return docker.parse_containers(listing.stdout)


def locate(
    settings: Settings, containers: tuple[docker.Container, ...], stamp: str, *, halted: bool = False
) -> DataLocation:
    """Return where the database and the objects are on a host, as far as they run there.

    Args:
        halted: the object store may be stopped.
    """
    database, objects = settings.database or NO_DATABASE, settings.objects or NO_OBJECTS
    boxes = {box.service: box for box in containers if box.status == "running"}
    base = boxes.get(database.service) if settings.database else None
    if halted:
        boxes = {box.service: box for box in containers} | boxes
    store = boxes.get(objects.service) if settings.objects else None
    return DataLocation(
        docker.Docker(settings.sudo),
        base.id if base else "",
        store.id if store else "",
        store.image if store else "",
        stamp,
        database,
        objects,
    )
