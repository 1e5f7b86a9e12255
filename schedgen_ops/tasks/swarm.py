"""inv swarm: a project moved from Compose on its hosts to a Swarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_BRANCH = "Branch, tag or commit to move with (default: GIT_BRANCH, else the config's branch)."


@operation(swarm="manager", help={"branch": _BRANCH})
def plan(op: Operation, branch: str = "") -> None:
    """Show what moving the project from Compose to the Swarm takes, or what speaks against it."""
    from schedgen_ops.cli import moving as cli
    from schedgen_ops.cli.deploy import asked

    cli.plan(op, asked(op, branch))


@operation(
    swarm="manager",
    asks=True,
    locks=True,
    help={
        "branch": _BRANCH,
        "force": "The reason to go on against the freeze, the branches or the order of `policy`.",
    },
)
def move(op: Operation, branch: str = "", force: str = "") -> None:
    """Move the project from Compose to the Swarm, with a gap that is measured; goes back where it fails."""
    from schedgen_ops.cli import moving as cli
    from schedgen_ops.cli.deploy import asked

    cli.move(op, asked(op, branch), force)
