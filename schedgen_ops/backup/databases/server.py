"""The database server, asked before a restore: whether it can hold it, and what follows the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schedgen_ops import json_records
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.databases import properties
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class Server:
    """A database server.

    Attributes:
        version: 150018 is 15.18.
        slots: logical replication slots of the database, or of the old one once it was swapped out.
        subscriptions: enabled ones, which write into the database.
    """

    version: int
    tablespaces: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()


def look(location: DataLocation) -> Command:
    """Ask the server for its version, tablespaces, replication slots and subscriptions."""
    return host_script("backup/server", title="look at the database server", **location.values)


def parse(stdout: str) -> Server:
    """Read the answer of `look`.

    Raises:
        ValueError: for anything else.
    """
    return json_records.parse(Server, stdout)


def refuse(server: Server, backup: Manifest, host: str, failure: type[OpsError] = Refused) -> None:
    """Refuse a restore into a server that cannot hold the database as it was.

    Raises:
        OpsError: a `failure` where it cannot.
    """
    why, hint = next(_reasons(server, backup), ("", ""))
    if why:
        raise failure(why, host=host, hint=hint)


def _reasons(server: Server, backup: Manifest) -> Iterator[tuple[str, str]]:
    given = backup.properties
    lost = [name for name in properties.tablespaces(given) if name not in server.tablespaces]
    if lost:
        yield (
            f"the database of {backup.id} is in tablespaces that this server has not: {', '.join(lost)}",
            "CREATE TABLESPACE makes one; then restore again.",
        )
    needs = {"i": 150000, "b": 170000}.get(str(given.get("provider")), 0)
    if server.version < max(needs, 160000 if given.get("rules") else 0):
        yield (
            f"PostgreSQL {server.version // 10000} does not know the locale of the database of {backup.id}",
            f"It was made by PostgreSQL {backup.postgres}: restore it into that version or a newer one.",
        )
    if server.subscriptions:
        yield (
            f"subscriptions write into the database, and would go on with the old one: "
            f"{', '.join(server.subscriptions)}",
            "ALTER SUBSCRIPTION ... DISABLE stops one; the restored one begins disabled.",
        )


def end_slots(location: DataLocation) -> Command:
    """Drop the logical replication slots of the superseded database, which would hold its WAL."""
    return host_script("backup/end_slots", title="end the slots of the old database", **location.values)


def parse_ended(stdout: str) -> tuple[str, ...]:
    """Return the slots that `end_slots` dropped."""
    words = (line.split() for line in stdout.splitlines())
    return tuple(each[1] for each in words if len(each) == 2 and each[0] == "slot")
