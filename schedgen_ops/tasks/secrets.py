"""inv secrets: the env file that is rendered here and delivered; names are shown, never values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation()
def check(op: Operation) -> None:
    """Run the command of each secret, and tell which yields a value; no host is asked."""
    from schedgen_ops.cli import secrets as cli

    cli.check(op)


@operation()
def diff(op: Operation) -> None:
    """Tell which variables of the hosts' env files differ from what would be delivered."""
    from schedgen_ops.cli import secrets as cli

    cli.diff(op)


@operation(asks=True, locks=True)
def push(op: Operation) -> None:
    """Deliver the env file without a deploy, and tell which services need one."""
    from schedgen_ops.cli import secrets as cli

    cli.push(op)
