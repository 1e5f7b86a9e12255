"""inv verify: whether what runs is well, now or for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.operation import Operation


@operation(default=True)
def quick(op: Operation) -> None:
    """Check every service and every configured URL once."""
    from schedgen_ops.verify import command

    command.quick(op)


@operation(help={"duration": "Seconds to watch (default: MONITORING_DURATION, else the config's)."})
def extended(op: Operation, duration: int = 0) -> None:
    """Check again and again for a while, and give a verdict at the end."""
    from schedgen_ops.verify import command

    command.extended(op, duration)
