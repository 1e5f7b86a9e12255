"""inv deploy: a release made, looked at before, and looked up afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.operation import Operation

_BRANCH = "Branch, tag or commit (default: GIT_BRANCH, else the config's branch)."


@operation(default=True, asks=True, help={"branch": _BRANCH})
def deploy(op: Operation, branch: str = "") -> None:
    """Deploy a release: back up, build, migrate, replace the services, verify."""
    from schedgen_ops.deploy import command

    command.deploy(op, branch)


@operation(help={"branch": _BRANCH})
def plan(op: Operation, branch: str = "") -> None:
    """Show what a deploy would do; changes nothing."""
    from schedgen_ops.deploy import command

    command.plan(op, branch)


@operation()
def history(op: Operation) -> None:
    """List the releases on each host, newest first."""
    from schedgen_ops.deploy import command

    command.history(op)


@operation(help={"release": "The release's id, or enough of its start."})
def show(op: Operation, release: str) -> None:
    """Show one release: what it was, how it went, where its log is."""
    from schedgen_ops.deploy import command

    command.show(op, release)


@operation()
def recover(op: Operation) -> None:
    """Take back what an interrupted run left; a deploy does this first too."""
    from schedgen_ops.deploy import command

    command.recover(op)


@operation(asks=True)
def unlock(op: Operation) -> None:
    """End the lock of a run that hangs."""
    from schedgen_ops.deploy import command

    command.unlock(op)
