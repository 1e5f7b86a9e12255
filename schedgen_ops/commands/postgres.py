"""PostgreSQL, by the programs inside its own container."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import joined
from schedgen_ops.shell import Command

# Run by the container's shell: the password is in the container already and goes from variable to variable.
_WITH_PASSWORD = joined("databases/postgres/with_password.sh").strip()
_BARE = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "--no-password", "-F", "\t")
_TIMING = re.compile(r"Time: ([\d.]+) ms")


def size(docker: Docker, container: str, user: str, database: str) -> Command:
    """The database's size in bytes."""
    words = _session(user, database, "-c", "SELECT pg_database_size(current_database())")
    return docker("exec", "-i", container, *words)


def timed(user: str, database: str, statements: Sequence[str]) -> tuple[str, ...]:
    """The words of psql that answers statements in one session: bare rows, each followed by its time."""
    all_ = ("SET statement_timeout = '60s'", r"\timing on", *statements)
    return _session(user, database, *(word for statement in all_ for word in ("-c", statement)))


def parse_timed(stdout: str) -> tuple[tuple[str, float], ...]:
    """Reads the answer of `timed`: each statement's rows and its seconds."""
    found: list[tuple[str, float]] = []
    rows: list[str] = []
    for line in stdout.splitlines():
        if took := _TIMING.match(line):
            found.append(("\n".join(rows), float(took[1]) / 1000))
            rows = []
        else:
            rows.append(line)
    return tuple(found)


def reading(user: str, database: str, **variables: str) -> tuple[str, ...]:
    """The words of psql, inside the container, that runs the statements on its stdin as one transaction.

    Args:
        variables: values that the statements name as :'name'; they never become part of a statement's text.
    """
    options = ("-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "--no-password", "-U", user, "-d", database)
    given = (word for name, value in variables.items() for word in ("-v", f"{name}={value}"))
    return (*_psql(*options), *given, "-f", "-")


def session(user: str, database: str, *, interactive: bool, read_only: bool) -> tuple[str, ...]:
    """The words of psql for a person, or for statements on stdin, of which the first that fails ends it."""
    how = () if interactive else ("-X", "-v", "ON_ERROR_STOP=1", "--no-password")
    given = ("env", "PGOPTIONS=-c default_transaction_read_only=on") if read_only else ()
    return (*_by_password(*given, "psql"), *how, "-U", user, "-d", database)


def _session(user: str, database: str, *words: str) -> tuple[str, ...]:
    return _psql(*_BARE, "-U", user, "-d", database, *words)


def _psql(*words: str) -> tuple[str, ...]:
    return _by_password("psql", *words)


def _by_password(*words: str) -> tuple[str, ...]:
    return ("sh", "-c", _WITH_PASSWORD, "sh", *words)
