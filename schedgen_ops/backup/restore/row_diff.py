"""The difference that a restore of the database would make, in rows a table."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.data_location import locate, running
from schedgen_ops.backup.performing import perform
from schedgen_ops.backup.restore import scripts, server
from schedgen_ops.databases import engine_of, facts
from schedgen_ops.errors import Refused
from schedgen_ops.host_context import HostContext


@dataclass(frozen=True, slots=True)
class RowDiff:
    """A table that a restore would change, from `now` rows to `then`; None is no such table."""

    table: str
    then: int | None
    now: int | None

    def __str__(self) -> str:
        if self.now is None:
            return f"{self.table} is missing and would come back with {self.then} rows"
        if self.then is None:
            return f"{self.table} with its {self.now} rows would go"
        change = self.now - self.then
        what = f"{change} rows would be lost" if change > 0 else f"{-change} rows would come back"
        return f"{self.table}: {what} ({self.now} now, {self.then} then)"


def row_diff(host: HostContext, backup: Manifest) -> tuple[RowDiff, ...]:
    """Return the tables that a restore would change; () where none would, or the backup has no counts.

    Raises:
        OpsError: where the database does not answer.
    """
    database = host.settings.database
    if database is None or not backup.rows:
        return ()
    location = locate(host.settings, running(host), "")
    if not location.database:
        raise Refused(f"{database.service} is not running", host=host.name)
    answer = perform(host, scripts.count(location), 600)
    now = facts.parse(answer.lines()).rows
    tables = sorted({*now, *backup.rows})
    found = (RowDiff(table, backup.rows.get(table), now.get(table)) for table in tables)
    return tuple(each for each in found if each.then != each.now)


def following(host: HostContext) -> tuple[str, ...]:
    """Return the names of what a restore ends, because it follows the old database.

    Raises:
        OpsError: where the database does not answer.
    """
    location = locate(host.settings, running(host), "")
    if not location.database:
        return ()
    answer = perform(host, server.look(location), 120).stdout
    return engine_of(location.of_database.engine).followers(answer)
