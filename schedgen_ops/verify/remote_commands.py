"""What watches a host from the host itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schedgen_ops.commands import postgres
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command

_TIMING = re.compile(r"Time: ([\d.]+) ms")
NOT_THERE = 69


def settle(docker: Docker, containers: Sequence[str], seconds: int) -> Command:
    """Waits until every container has run for `seconds`; prints the name and exit code of one that died."""
    return host_script(
        "verify/settle",
        title="wait for the containers to settle",
        docker=docker.words,
        containers=containers,
        settle=seconds,
    )


def inside(docker: Docker, project: str, service: str, *argv: str) -> Command:
    """A program in the newest container of a service; `NOT_THERE` is the exit code where none runs."""
    return host_script(
        "verify/inside",
        *argv,
        title=f"{service}: {argv[0]}",
        docker=docker.words,
        project=project,
        service=service,
    )


def queries(docker: Docker, project: str, database: Database, *statements: str) -> Command:
    """Statements in one session of psql in the database's container: bare rows, each followed by its time."""
    sql = ("SET statement_timeout = '60s'", r"\timing on", *statements)
    options = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "--no-password")
    who = ("-U", database.user, "-d", database.name)
    each = (word for statement in sql for word in ("-c", statement))
    words = ("sh", "-c", postgres.WITH_PASSWORD, "sh", "psql", *options, *who, *each)
    return inside(docker, project, database.service, *words).named("psql")


def parse_queries(stdout: str) -> tuple[tuple[str, float], ...]:
    """Reads the answer of `queries`: each statement's rows and its seconds."""
    found: list[tuple[str, float]] = []
    rows: list[str] = []
    for line in stdout.splitlines():
        if took := _TIMING.match(line):
            found.append(("\n".join(rows), float(took[1]) / 1000))
            rows = []
        else:
            rows.append(line)
    return tuple(found)
