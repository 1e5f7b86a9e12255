"""inv emergency: everything, or the database, put back from a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_ID = {"id": "The backup, or the start of its name (default: the last good one)."}


@operation(swarm="data", asks=True, locks=True, help=_ID)
def recover(op: Operation, id: str | None = None) -> None:
    """Recover from a complete failure: down, restore database and objects if there are any, up, verify."""
    from schedgen_ops.cli.choosing import given

    wanted = given("--id", id)
    if op.placed:
        from schedgen_ops.cli import swarm_emergency

        swarm_emergency.recover(op, op.placed, wanted)
        return
    from schedgen_ops.cli import emergency

    emergency.recover(op, wanted)


@operation(swarm="data", asks=True, locks=True, help=_ID)
def database(op: Operation, id: str | None = None) -> None:
    """Recover a corrupt database: stop what uses it, restore it, start, verify."""
    from schedgen_ops.cli.choosing import given

    wanted = given("--id", id)
    if op.placed:
        from schedgen_ops.cli import swarm_emergency

        swarm_emergency.database(op, op.placed, wanted)
        return
    from schedgen_ops.cli import emergency

    emergency.database(op, wanted)
