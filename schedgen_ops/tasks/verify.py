"""inv verify: whether what runs is well, now or for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(default=True, name="all")
def everything(op: Operation) -> None:
    """Check everything below once: for the end of a deploy."""
    from schedgen_ops.cli import verify as cli

    cli.everything(op)


@operation(swarm="nodes")
def quick(op: Operation) -> None:
    """Check services and endpoints, in a moment."""
    from schedgen_ops.cli import verify as cli

    cli.quick(op)


@operation(swarm="nodes")
def services(op: Operation) -> None:
    """Check that every service runs and is healthy."""
    from schedgen_ops.cli import verify as cli

    cli.only(op, "services")


@operation(swarm="nodes")
def endpoints(op: Operation) -> None:
    """Check every configured URL: status, time and content."""
    from schedgen_ops.cli import verify as cli

    cli.only(op, "endpoints")


@operation()
def migrations(op: Operation) -> None:
    """Check that every migration is executed; names those that are not."""
    from schedgen_ops.cli import verify as cli

    cli.only(op, "migrations")


@operation()
def flow(op: Operation) -> None:
    """Upload the file of `verify.flow`, follow its job to the end, remove it again."""
    from schedgen_ops.cli import verify as cli

    cli.try_flow(op)


@operation()
def queue(op: Operation) -> None:
    """Check what the application tells of its job queue."""
    from schedgen_ops.cli import verify as cli

    cli.only(op, "queue")


@operation()
def performance(op: Operation) -> None:
    """Measure response times, a query, CPU and memory."""
    from schedgen_ops.cli import verify as cli

    cli.performance(op)


@operation()
def logs(op: Operation) -> None:
    """Show errors and warnings since the deploy, new ones first."""
    from schedgen_ops.cli import verify as cli

    cli.show_logs(op)


@operation()
def metrics(op: Operation) -> None:
    """Check that Prometheus reaches all its targets."""
    from schedgen_ops.cli import verify as cli

    cli.only(op, "metrics")


@operation()
def custom(op: Operation) -> None:
    """Check what the config adds: commands and queries."""
    from schedgen_ops.cli import verify as cli

    cli.only(op, "custom")


@operation(
    help={
        "duration": "Seconds to watch (default: MONITORING_DURATION, else the config's).",
        "detach": "Watch on the hosts, with this machine gone: `inv verify.report` has what they saw.",
        "replace": "With --detach: end a watch that goes on there already.",
    }
)
def extended(op: Operation, duration: int = 0, detach: bool = False, replace: bool = False) -> None:
    """Check again and again for a while; a verdict and a report at the end."""
    from schedgen_ops.cli import detached
    from schedgen_ops.cli import extended as cli

    if detach or replace:
        detached.detach(op, duration, detach=detach, replaces=replace)
    else:
        cli.extended(op, duration)


@operation()
def report(op: Operation) -> None:
    """Fetch what a detached watch has seen: a verdict and a report."""
    from schedgen_ops.cli import detached as cli

    cli.report(op)


@operation()
def stop(op: Operation) -> None:
    """End a detached watch; what it saw stays for `verify.report`."""
    from schedgen_ops.cli import detached as cli

    cli.stop(op)
