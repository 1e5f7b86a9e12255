"""inv status, and what else an operator looks at and types on a host that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation()
def status(op: Operation) -> None:
    """Show how all hosts and services stand: release, health, age, CPU, memory, disk, guard, lock, backup."""
    from schedgen_ops.cli import status as cli

    cli.show(op)
