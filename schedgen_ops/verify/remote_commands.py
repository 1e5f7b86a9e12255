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
    """Wait until every container has run for `seconds`; print the name and exit code of one that died."""
    return host_script(
        "verify/settle",
        title="wait for the containers to settle",
        docker=docker.words,
        containers=containers,
        settle=seconds,
    )


def inside(docker: Docker, project: str, service: str, *argv: str) -> Command:
    """Run a program in the newest container of a service; end with `NOT_THERE` where none runs."""
    return host_script(
        "verify/inside",
        *argv,
        title=f"{service}: {argv[0]}",
        docker=docker.words,
        project=project,
        service=service,
    )


def queries(docker: Docker, project: str, database: Database, *statements: str) -> Command:
    """Run statements in one session in the database's container; print rows and times."""
    kind = engine_of(database.engine)
    return inside(docker, project, database.service, *kind.queries(database, statements)).named(kind.client)
