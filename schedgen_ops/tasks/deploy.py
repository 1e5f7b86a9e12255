"""inv deploy: a release made, looked at before, and looked up afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_FORCE = "The reason to go on against the freeze, the branches or the order of `policy`; it is journaled."
_BRANCH = "Branch, tag or commit (default: GIT_BRANCH, else the config's branch)."
_TAG = "The same, where releases are images: their tag."


@operation(
    swarm="manager",
    default=True,
    asks=True,
    locks=True,
    help={"branch": _BRANCH, "tag": _TAG, "force": _FORCE},
)
def deploy(op: Operation, branch: str = "", tag: str = "", force: str = "") -> None:
    """Deploy a release: back up, build, migrate, replace the services, verify."""
    from schedgen_ops.cli import guard as cli
    from schedgen_ops.cli.deploy import asked

    cli.deploy(op, asked(op, branch, tag), force)


@operation(
    swarm="manager",
    asks=True,
    locks=True,
    help={
        "branch": _BRANCH,
        "tag": _TAG,
        "force": _FORCE,
        "duration": "Seconds to watch (default: MONITORING_DURATION, else the config's).",
        "canary": "Shares of the requests that the release gets first, in percent: 10,50.",
        "pause": "Seconds that each of these shares is watched.",
    },
)
def guarded(
    op: Operation,
    branch: str = "",
    tag: str = "",
    duration: int = 0,
    canary: str = "",
    pause: int = 0,
    force: str = "",
) -> None:
    """Deploy a release, watch it, and go back by itself if it does badly."""
    from schedgen_ops.cli import guard as cli
    from schedgen_ops.cli.deploy import asked

    cli.guarded(op, asked(op, branch, tag), duration, canary, pause, force)


@operation(swarm="manager")
def status(op: Operation) -> None:
    """Tell what serves, who is at work, how the last release ended, how a watch stands."""
    from schedgen_ops.cli import guard as cli

    cli.status(op)


@operation(swarm="manager", asks=True, help={"branch": "Branch, tag or commit to approve."})
def approve(op: Operation, branch: str) -> None:
    """Approve what another person is to deploy, where the environment asks for that."""
    from schedgen_ops.cli import policy as cli
    from schedgen_ops.cli.deploy import asked

    cli.approve(op, asked(op, branch))


@operation(swarm="manager", help={"branch": _BRANCH, "tag": _TAG})
def preflight(op: Operation, branch: str = "", tag: str = "") -> None:
    """Show the checklist before a deploy on all hosts: what is ready, what is not, what is left to you."""
    from schedgen_ops.cli import checklist as cli
    from schedgen_ops.cli.deploy import asked

    cli.preflight(op, asked(op, branch, tag))


@operation(swarm="manager", help={"branch": _BRANCH, "tag": _TAG})
def plan(op: Operation, branch: str = "", tag: str = "") -> None:
    """Show what a deploy would do; changes nothing."""
    if op.settings.on_swarm:
        from schedgen_ops.cli import swarm
        from schedgen_ops.cli.deploy import asked

        swarm.plan(op, asked(op, branch, tag))
        return
    from schedgen_ops.cli import deploy as cli

    cli.plan(op, cli.asked(op, branch, tag))


@operation(swarm="manager")
def history(op: Operation) -> None:
    """List the releases on each host, newest first."""
    from schedgen_ops.cli import deploy as cli

    cli.history(op)


@operation(swarm="manager", help={"release": "The release's id, or enough of its start."})
def show(op: Operation, release: str) -> None:
    """Show one release: what it was, how it went, where its log is."""
    from schedgen_ops.cli import deploy as cli

    cli.show(op, release)


@operation(asks=True, locks=True, help={"force": _FORCE})
def catch_up(op: Operation, force: str = "") -> None:
    """Bring hosts that were left out to the release that serves on the others."""
    from schedgen_ops.cli import recovering as cli

    cli.catch_up(op, force)


@operation(swarm="manager", locks=True)
def recover(op: Operation) -> None:
    """Take back what an interrupted run left; on several hosts also what only some of them kept."""
    from schedgen_ops.cli import recovering as cli

    cli.recover(op)


@operation(swarm="manager", asks=True)
def unlock(op: Operation) -> None:
    """End the lock of a run that hangs."""
    from schedgen_ops.cli import deploy as cli

    cli.unlock(op)
