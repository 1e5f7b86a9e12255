"""PostgreSQL, by the programs inside its own container."""

from __future__ import annotations

from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command

# Run by the container's shell: the password is in the container already and goes from variable to variable.
WITH_PASSWORD = 'export PGPASSWORD="${POSTGRES_PASSWORD-}"; exec "$@"'


def inside(docker: Docker, container: str, *argv: str) -> Command:
    """A PostgreSQL program in the database's container, with the password that the container knows."""
    return docker("exec", "-i", container, "sh", "-c", WITH_PASSWORD, "sh", *argv)


def dump(docker: Docker, container: str, user: str, database: str) -> Command:
    """The whole database as SQL that replaces what is there when psql reads it."""
    options = ("--clean", "--if-exists", "--no-password")
    return inside(docker, container, "pg_dump", *options, "-U", user, "-d", database)


def query(docker: Docker, container: str, user: str, database: str, sql: str) -> Command:
    """One statement's rows, bare and tab-separated."""
    options = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "--no-password")
    return inside(docker, container, "psql", *options, "-U", user, "-d", database, "-c", sql)


def size(docker: Docker, container: str, user: str, database: str) -> Command:
    """The database's size in bytes."""
    return query(docker, container, user, database, "SELECT pg_database_size(current_database())")


def reading(user: str, database: str, **variables: str) -> tuple[str, ...]:
    """The words of psql, inside the container, that runs the statements on its stdin as one transaction.

    Args:
        variables: values that the statements name as :'name'; they never become part of a statement's text.
    """
    options = ("-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "--no-password", "-U", user, "-d", database)
    given = (word for name, value in variables.items() for word in ("-v", f"{name}={value}"))
    return ("sh", "-c", WITH_PASSWORD, "sh", "psql", *options, *given, "-f", "-")
