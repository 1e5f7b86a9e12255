"""inv rollback: back to an earlier release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(
    swarm="manager",
    default=True,
    asks=True,
    locks=True,
    help={
        "to": "The release to go back to (default: the one that served before).",
        "revert_migrations": "Take back the migrations that came since, before the services are replaced.",
        "restore_database": "Restore the database from the backup that was made while that release served.",
    },
)
def rollback(
    op: Operation,
    to: str | None = None,
    revert_migrations: bool = False,
    restore_database: bool = False,
) -> None:
    """Go back to an earlier release, from its kept images."""
    from schedgen_ops.cli import rollback as cli
    from schedgen_ops.cli.choosing import given

    cli.rollback(op, given("--to", to), revert_migrations, restore_database)


@operation(swarm="manager", name="list")
def list_(op: Operation) -> None:
    """List the releases that can be gone back to."""
    from schedgen_ops.cli import rollback as cli

    cli.list_(op)
