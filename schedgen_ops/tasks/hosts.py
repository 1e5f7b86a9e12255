"""inv hosts: what a host has to be before anything is deployed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation()
def check(op: Operation) -> None:
    """Tell of every host whether it can be deployed to: Docker, clone, credentials, clock, tools."""
    from schedgen_ops.cli import hosts as cli

    cli.check(op)
