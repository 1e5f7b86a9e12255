"""The scripts that put a backup beside what serves, and that remove what was put aside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.catalog import names
from schedgen_ops.backup.databases import loading
from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Database, Objects
from schedgen_ops.shell import Command, Value


@dataclass(frozen=True, slots=True)
class Places:
    """Where a backup goes to on a host. An empty container's id is a part that is not restored.

    Attributes:
        database, objects: the containers of the database and of the object store.
        image: the object store's image.
        stamp: the restore's time, YYYYMMDD_HHMMSS in UTC: what is put aside is called after it.
    """

    docker: Docker
    database: str
    objects: str
    image: str
    stamp: str
    of_database: Database
    of_objects: Objects

    @property
    def new(self) -> str:
        """The restored database's name until it takes its place."""
        return names.new(self.of_database.name, self.stamp)

    @property
    def before(self) -> str:
        """The old database's name once it gave its place away."""
        return names.before(self.of_database.name, self.stamp)

    @property
    def values(self) -> dict[str, Value]:
        """What every script that works on the data is given, by name."""
        base = self.of_database
        return {
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


def beside(places: Places, folder: str, backup: m.Manifest, queries: Sequence[str], need: int) -> Command:
    """Restores `backup` beside what serves and tells what is in it; leaves nothing if that fails.

    Args:
        need: bytes of disk that must be free.
    """
    dump, archive = backup.database, backup.archive
    command = host_script(
        "backup/restore_beside",
        title="restore beside",
        **places.values,
        folder=folder,
        dump=dump.name if dump else "",
        archive=archive.name if archive else "",
        need=need,
        reader=postgres.reader(custom=backup.database_format == "custom"),
        queries=queries,
    )
    return command.with_stdin(loading.given(backup))


def kept(places: Places) -> Command:
    """What earlier restores put aside."""
    stem = names.before_stem(places.of_database.name)
    title = "list what restores put aside"
    return host_script("backup/superseded", title=title, **places.values, stem=stem)


def discard(places: Places, what: Sequence[str]) -> Command:
    """Removes what a restore put aside, for good; only what has the mark of one."""
    name = places.of_database.name
    stems = (names.new_stem(name), names.before_stem(name))
    title = "discard what a restore put aside"
    return host_script("backup/discard", title=title, **places.values, stems=stems, names=what)


def count(places: Places) -> Command:
    """The rows of the database as they are now."""
    return host_script("backup/count", title="count the rows", **places.values)
