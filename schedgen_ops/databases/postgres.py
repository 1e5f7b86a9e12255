"""PostgreSQL. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schedgen_ops import json_records
from schedgen_ops.commands import postgres, stores
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases.contract import FailureCause, Saved
from schedgen_ops.host_scripts import joined
from schedgen_ops.settings import Database, Settings
from schedgen_ops.shell import Command

_FILES = "/var/lib/postgresql"
# It wrote each of these lines, or they stand in its sources.
_DAMAGE = (
    r"(FATAL|PANIC): +could not locate (a valid|required) checkpoint record",
    r"(FATAL|PANIC): +invalid .*(checkpoint|redo|magic number|record|page)",
    r"(FATAL|PANIC): +could not find redo location",
    r"(FATAL|PANIC): +WAL (file is from different database system|ends before)",
    r"FATAL: +database files are incompatible with server",
    r'FATAL: +".*" is not a valid data directory',
    r"^postgres: could not find the database system",
    r"FATAL: +incorrect checksum in control file",
    r"(FATAL|PANIC): +.*\b(is corrupted|corrupt(ed)? (data|page|item|line))",
    r"(FATAL|PANIC): +.*contains (invalid data|incorrect checksum)",
    r"(FATAL|PANIC): +could not access status of transaction",
    r"(FATAL|PANIC): +could not (read|open) (file|directory) "
    r'"(global|base|pg_\w+)\b.*(No such file|read \d+ of)',
    r"(FATAL|PANIC): +could not read (block|file) .*: read only \d+ of \d+ bytes",
    r"(FATAL|PANIC): +.*page verification failed",
)


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


class Postgres:
    """PostgreSQL, by the programs in its own container, and host_scripts/databases/postgres.bash."""

    title = "PostgreSQL"
    client = "psql"
    followers_are = "logical replication slots"
    away = (
        r"server closed the connection|terminating connection|the connection to the server was lost|"
        r"connection to server|could not connect|shutting down|starting up|recovery mode"
    )
    damage: tuple[str, ...] = _DAMAGE

    def recognised(self, service: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Tell a server by its image, or by the volume of its files; both have the official image's defaults.

        Variables alone are no sign: an application has the same ones, to find its database.
        """
        kept = (str(volume.get("target")) for volume in service.get("volumes") or ())
        image = str(service.get("image") or "")
        if stores.holds(image) not in stores.POSTGRES and not any(
            target.startswith(_FILES) for target in kept
        ):
            return None
        given = service.get("environment") or {}
        user = str(given.get("POSTGRES_USER") or "postgres")
        return {"user": user, "name": str(given.get("POSTGRES_DB") or user)}

    def size(self, docker: Docker, container: str, database: Database) -> Command:
        """Tell the database's bytes on disk."""
        return postgres.size(docker, container, database.user, database.name)

    def queries(self, database: Database, statements: Sequence[str]) -> tuple[str, ...]:
        """Return the words of psql for statements in one session, each followed by its time."""
        return postgres.timed(database.user, database.name, statements)

    def parse_queries(self, stdout: str) -> tuple[tuple[str, float], ...]:
        """Return each statement's rows and its seconds."""
        return postgres.parse_timed(stdout)

    def reading(self, database: Database, **variables: str) -> tuple[str, ...]:
        """Return the words of psql for the statements on its stdin."""
        return postgres.reading(database.user, database.name, **variables)

    def session(self, database: Database, *, interactive: bool, read_only: bool) -> tuple[str, ...]:
        """Return the words of psql, with the password that its container knows."""
        return postgres.session(database.user, database.name, interactive=interactive, read_only=read_only)

    def by_hand(self, database: Database, form: str) -> tuple[str, ...]:
        """Return the words of psql, or of pg_restore for a dump of its own format."""
        program = ("pg_restore", "--clean", "--if-exists") if form == "custom" else ("psql",)
        return (*program, "-U", database.user, "-d", database.name)

    def told(self, roles: Iterable[str], properties: Mapping[str, Any]) -> str:
        """Return roles, properties and tablespaces, a line of JSON each: no list of processes shows them."""
        parts = (list(roles), dict(properties), list(tablespaces(properties)))
        return "".join(f"{json.dumps(part, ensure_ascii=False)}\n" for part in parts)

    def refusals(self, answer: str, saved: Saved) -> Iterator[tuple[str, str]]:
        """Yield tablespaces that the server has not, a locale that it does not know, subscriptions."""
        server, given = parse_server(answer), saved.properties
        lost = [name for name in tablespaces(given) if name not in server.tablespaces]
        if lost:
            yield (
                f"the database of {saved.backup} is in tablespaces that this server has not: "
                f"{', '.join(lost)}",
                "CREATE TABLESPACE makes one; then restore again.",
            )
        needs = {"i": 150000, "b": 170000}.get(str(given.get("provider")), 0)
        if server.version < max(needs, 160000 if given.get("rules") else 0):
            yield (
                f"PostgreSQL {server.version // 10000} does not know the locale of the database of "
                f"{saved.backup}",
                f"It was made by PostgreSQL {saved.version}: restore it into that version or a newer one.",
            )
        if server.subscriptions:
            yield (
                f"subscriptions write into the database, and would go on with the old one: "
                f"{', '.join(server.subscriptions)}",
                "ALTER SUBSCRIPTION ... DISABLE stops one; the restored one begins disabled.",
            )

    def followers(self, answer: str) -> tuple[str, ...]:
        """Return the logical replication slots, which would hold the WAL of the old database."""
        return parse_server(answer).slots

    def connections(self) -> str:
        """Return the statement that counts the clients' sessions."""
        return joined("databases/postgres/connections.sql").strip()

    def locks(self) -> str:
        """Return the statement that names the sessions at the root of a wait."""
        return joined("databases/postgres/locks.sql").strip()

    def ending(self, session: int) -> str:
        """Return the statement that ends a session of this database, and none of another."""
        statement = joined("databases/postgres/end_session.sql").strip()
        return statement.replace(":pid", str(int(session)))

    def causes(self, settings: Settings, database: Database) -> Iterator[tuple[str, FailureCause]]:
        """Yield what keeps a user out, or from reading every row."""
        user = database.user
        yield (
            r"password authentication failed|no password supplied",
            FailureCause(
                f"the database refuses the password of {user}",
                f"Compare POSTGRES_PASSWORD in {settings.env_file} with the database's own, which it got "
                "when it was created; `ALTER ROLE` changes that one.",
            ),
        )
        yield (
            r'role "[^"]*" does not exist|database "[^"]*" does not exist|permission denied for',
            FailureCause(
                f"the database does not let {user} in",
                "Compare POSTGRES_USER and POSTGRES_DB of the service with `database` in "
                f"config/{settings.environment}.yaml.",
            ),
        )
        yield (
            r"row-level security|row security policy",
            FailureCause(
                f"{user} may not read every row",
                f"Row security hides rows from {user}: let it bypass that, by ALTER ROLE ... BYPASSRLS, or "
                "name a superuser in database.user.",
            ),
        )


def parse_server(answer: str) -> Server:
    """Read the answer of `db_server`.

    Raises:
        ValueError: for anything else.
    """
    return json_records.parse(Server, answer)


def tablespaces(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tablespaces that a server must have besides its own."""
    named = properties.get("tablespaces")
    names = {str(properties.get("tablespace", "")), *(map(str, named) if isinstance(named, list) else ())}
    return tuple(sorted(names - {"", "pg_default", "pg_global"}))
