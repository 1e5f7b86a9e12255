"""The database server, asked before a restore: whether it can hold it, and what follows the database."""

from __future__ import annotations

from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.databases import engine_of
from schedgen_ops.databases.contract import Saved
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def look(location: DataLocation) -> Command:
    """Ask the server for what its engine reads before a restore."""
    return host_script("backup/server", title="look at the database server", **location.values)


def refuse(
    answer: str, location: DataLocation, backup: Manifest, host: str, failure: type[OpsError] = Refused
) -> None:
    """Refuse a restore into a server that cannot hold the database as it was.

    Args:
        answer: of `look`.

    Raises:
        OpsError: a `failure` where it cannot.
        ValueError: where the answer is something else.
    """
    name = location.of_database.engine
    if backup.engine != name:
        why = f"{backup.id} is of a database of {backup.engine}, and not {name}"
        raise failure(why, host=host, hint="`database` in the config says which there is.")
    saved = Saved(backup.id, backup.server, backup.properties)
    why, hint = next(engine_of(name).refusals(answer, saved), ("", ""))
    if why:
        raise failure(why, host=host, hint=hint)


def end_followers(location: DataLocation) -> Command:
    """End what still follows the superseded database."""
    return host_script("backup/settle", title="end what follows the old database", **location.values)


def parse_ended(stdout: str) -> tuple[str, ...]:
    """Return the names of what `end_followers` ended."""
    words = (line.split() for line in stdout.splitlines())
    return tuple(each[1] for each in words if len(each) == 2 and each[0] == "ended")
