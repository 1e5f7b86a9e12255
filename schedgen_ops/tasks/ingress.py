"""inv ingress: what has the published ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(asks=True, locks=True)
def remove(op: Operation) -> None:
    """Give the published ports back to the services; the next deploy takes them again."""
    from schedgen_ops.cli import ops_ingress as cli

    cli.remove(op)
