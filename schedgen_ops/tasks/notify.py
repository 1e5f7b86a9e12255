"""inv notify: the team told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(swarm="manager")
def test(op: Operation) -> None:
    """Send a test message to everybody whom the config tells of runs."""
    from schedgen_ops.cli import notify as cli

    cli.test(op)
