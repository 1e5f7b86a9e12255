"""inv status, and what else an operator looks at and types on a host that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation
from schedgen_ops.tasks.words import behind_dashes

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(
    swarm="manager",
    help={
        "watch": "Show it on the whole terminal, again and again until Ctrl-C.",
        "every": "Seconds between two rounds of --watch.",
    },
)
def status(op: Operation, watch: bool = False, every: int = 2) -> None:
    """Show how all hosts and services stand: release, health, age, CPU, memory, disk, guard, lock, backup."""
    if watch:
        from schedgen_ops.cli import status_watch

        op.compose_only("inv status --watch")

        status_watch.watch(op, every)
        return
    from schedgen_ops.cli import status as cli

    cli.show(op)


@operation(
    swarm="nodes",
    words="services",
    help={
        "services": "The services, behind the task's name (default: all).",
        "since": "What was logged in this time: 90s, 10m, 2h, 1d.",
        "tail": "The last lines of each container (default: 100, with --since all); filters come after it.",
        "grep": "Only lines that fit this extended regular expression, searched for on the host.",
        "level": "Only lines as grave as this: debug, info, warning or error; of JSON logs by their level.",
        "follow": "Go on with what comes, over lost connections too, until Ctrl-C.",
    },
)
def logs(
    op: Operation,
    services: tuple[str, ...] = (),
    since: str = "",
    tail: int = 0,
    grep: str = "",
    level: str = "",
    follow: bool = False,
) -> None:
    """Show what services log, of all hosts in the order of time: inv logs backend --since 10m."""
    from schedgen_ops.cli import logs as cli

    cli.show(op, cli.LogOptions(services, since, tail, grep, level, follow))


_SERVICE = "The service."
_INDEX = "The number at the end of the container's name (default: the first one that runs)."


@operation(swarm="nodes", name="exec", help={"service": _SERVICE, "index": _INDEX})
def exec_(op: Operation, service: str, index: int = 0) -> int:
    """Run a command in a service's container, on all hosts: inv exec backend -- ls -l."""
    from schedgen_ops.cli import hands_on as cli

    return cli.execute(op, service, behind_dashes(), index)


@operation(swarm="nodes", help={"service": _SERVICE, "index": _INDEX})
def shell(op: Operation, service: str, index: int = 0) -> int:
    """Open a shell in a service's container on one host: bash where its image has it, else sh."""
    from schedgen_ops.cli import hands_on as cli

    return cli.shell(op, service, index)


@operation(
    swarm="nodes", help={"read_only": "Refuse what changes something, until the session itself allows it."}
)
def db(op: Operation, read_only: bool = False) -> int:
    """Open the database's own client in its container; statements may come on stdin."""
    from schedgen_ops.cli import hands_on as cli

    return cli.database(op, read_only)


@operation(swarm="nodes")
def run(op: Operation) -> int:
    """Run a command on all hosts, in the project's directory: inv run -- git log -1."""
    from schedgen_ops.cli import hands_on as cli

    return cli.run(op, behind_dashes())
