"""inv doctor: why something went wrong, and the command that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(
    help={"issue": "Only the causes of this issue of the runbook, 1 to 6 (default: all)."}, swarm="nodes"
)
def doctor(op: Operation, issue: int = 0) -> None:
    """Look for every cause that the runbook lists; name what is found, with evidence and fix."""
    from schedgen_ops.cli import doctor as cli

    cli.diagnose(op, issue)
