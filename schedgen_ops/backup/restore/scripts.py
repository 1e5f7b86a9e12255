"""Commands that restore a backup beside what serves, and that remove superseded data. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.catalog import names
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.databases import engine_of
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command


def beside(
    location: DataLocation, folder: str, backup: m.Manifest, queries: Sequence[str], need: int
) -> Command:
    """Restore `backup` beside what serves and tell what is in it; leave nothing if that fails.

    Args:
        queries: each must answer well.
        need: bytes of disk that must be free.
    """
    dump, archive = backup.database, backup.archive
    command = host_script(
        "backup/restore_beside",
        *queries,
        title="restore beside",
        **location.values,
        folder=folder,
        dump=dump.name if dump else "",
        archive=archive.name if archive else "",
        need=need,
    )
    return command.with_stdin(told(location.of_database, backup))


def told(database: Database, backup: m.Manifest) -> str:
    """Return what a script that loads the dump of `backup` reads on stdin; it may hold secrets."""
    return engine_of(database.engine).told(backup.roles, backup.properties)


def kept(location: DataLocation) -> Command:
    """List the superseded data of earlier restores."""
    stem = names.before_stem(location.of_database.name)
    title = "list what restores put aside"
    return host_script("backup/superseded", title=title, **location.values, stem=stem)


def unfinished(location: DataLocation) -> Command:
    """Remove what restores made that were cut off before it took its place, and tell what that was."""
    stem = names.new_stem(location.of_database.name)
    title = "remove what restores left unfinished"
    return host_script("backup/unfinished", title=title, **location.values, stem=stem)


def discard(location: DataLocation, what: Sequence[str]) -> Command:
    """Remove a restore's databases and folders for good; only what has the mark of one."""
    name = location.of_database.name
    stems = (names.new_stem(name), names.before_stem(name))
    title = "discard what a restore put aside"
    return host_script("backup/discard", title=title, **location.values, stems=stems, names=what)


def count(location: DataLocation) -> Command:
    """Count the rows of every table as they are now."""
    return host_script("backup/count", title="count the rows", **location.values)
