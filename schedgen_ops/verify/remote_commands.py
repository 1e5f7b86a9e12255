"""What watches a host from the host itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases import engine_of
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Database
from schedgen_ops.shell import Command

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
    """Statements in one session in the database's container: rows and times, as its engine reads them."""
    kind = engine_of(database.engine)
    return inside(docker, project, database.service, *kind.queries(database, statements)).named(kind.client)
