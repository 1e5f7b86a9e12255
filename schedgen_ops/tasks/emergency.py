"""inv emergency: everything, or the database, put back from a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_ID = {"id": "The backup, or the start of its name (default: the last good one)."}


@operation(
    swarm="data",
    asks=True,
    locks=True,
    help={
        **_ID,
        "node": "On a Swarm: the host where the database begins anew, as the one that had it is lost.",
        "from_offsite": "On a Swarm: bring the backup from the offsite remote first.",
    },
)
def recover(op: Operation, id: str | None = None, node: str = "", from_offsite: bool = False) -> None:
    """Recover from a complete failure: down, restore database and objects if there are any, up, verify."""
    from schedgen_ops.cli.choosing import given

    wanted = given("--id", id)
    if op.placed:
        from schedgen_ops.cli import swarm_recover

        swarm_recover.recover(op, op.placed, wanted, node, from_offsite=from_offsite)
        return
    if node or from_offsite:
        from schedgen_ops.errors import ConfigError

        hint = "`inv hosts.setup` and `inv backup.restore ID --from-offsite` bring a lost host back."
        raise ConfigError("--node and --from-offsite are for a Swarm", hint=hint)
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
