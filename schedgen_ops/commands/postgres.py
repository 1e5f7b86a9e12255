"""PostgreSQL, by the programs inside its own container."""

from __future__ import annotations

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import joined
from schedgen_ops.shell import Command

# Run by the container's shell: the password is in the container already and goes from variable to variable.
WITH_PASSWORD = joined("lib/with_password.sh").strip()
# The snapshot's name is only known on the host, and comes on stdin.
_WITH_SNAPSHOT = (
    'export PGPASSWORD="${POSTGRES_PASSWORD-}"; IFS= read -r snapshot; exec "$@" --snapshot="$snapshot"'
)
_QUIET = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "--no-password")
_BARE = (*_QUIET, "-F", "\t")


def inside(docker: Docker, container: str, *argv: str) -> Command:
    """A PostgreSQL program in the database's container, with the password that the container knows."""
    return docker("exec", "-i", container, "sh", "-c", WITH_PASSWORD, "sh", *argv)


def dump(docker: Docker, container: str, user: str, database: str, *, custom: bool = False) -> Command:
    """The whole database, as the snapshot has it whose name is the first line of stdin.

    Args:
        custom: for pg_restore, uncompressed; else SQL that replaces what is there when psql reads it. What it
            drops first cannot always be named in an empty database: `loading` leaves that out.
    """
    how = ("--format=custom", "--compress=0") if custom else ("--clean", "--if-exists")
    argv = ("pg_dump", *how, "--no-password", "--lock-wait-timeout=60s", "-U", user, "-d", database)
    return docker("exec", "-i", container, "sh", "-c", _WITH_SNAPSHOT, "sh", *argv)


def session(docker: Docker, container: str, user: str, database: str) -> Command:
    """psql on stdin, answering with bare rows; it ends with the first error."""
    return inside(docker, container, "psql", *_BARE, "-U", user, "-d", database)


def reader(*, custom: bool) -> tuple[str, ...]:
    """The program that reads a dump on stdin and stops at the first error, but for -U and -d."""
    if custom:
        return ("pg_restore", "--exit-on-error", "--no-password")
    return ("psql", *_QUIET)


def query(docker: Docker, container: str, user: str, database: str, sql: str) -> Command:
    """One statement's rows, bare and tab-separated."""
    return inside(docker, container, "psql", *_BARE, "-U", user, "-d", database, "-c", sql)


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
