"""inv emergency: everything, or the database, put back from a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_ID = {"id": "The backup, or the start of its name (default: the last good one)."}


@operation(asks=True, locks=True, help=_ID)
def recover(op: Operation, id: str | None = None) -> None:
    """Recover from a complete failure: down, restore database and objects if there are any, up, verify."""
    from schedgen_ops.cli import emergency as cli
    from schedgen_ops.cli.choosing import given

    cli.recover(op, given("--id", id))


@operation(asks=True, locks=True, help=_ID)
def database(op: Operation, id: str | None = None) -> None:
    """Recover a corrupt database: stop what uses it, restore it, start, verify."""
    from schedgen_ops.cli import emergency as cli
    from schedgen_ops.cli.choosing import given

    cli.database(op, given("--id", id))
