"""inv ops: single operations on what runs, under the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_SERVICES = {"services": "The service, or several separated by commas."}


@operation(asks=True, locks=True, help=_SERVICES, swarm="manager")
def restart(op: Operation, services: str) -> None:
    """Restart services, and say so once they were seen well."""
    from schedgen_ops.cli import ops as cli

    cli.restart(op, services)


@operation(asks=True, locks=True, help=_SERVICES, swarm="manager")
def stop(op: Operation, services: str) -> None:
    """Stop services until they are started again."""
    from schedgen_ops.cli import ops as cli

    cli.stop(op, services)


@operation(locks=True, help=_SERVICES, swarm="manager")
def start(op: Operation, services: str) -> None:
    """Start services that are stopped, paused, or have no container."""
    from schedgen_ops.cli import ops as cli

    cli.start(op, services)


@operation(
    locks=True,
    help={"service": "The service.", "count": "How many containers it is to have, 1 to 8; more on a Swarm."},
    swarm="manager",
)
def scale(op: Operation, service: str, count: str) -> None:
    """Bring a service to so many containers, until a deploy replaces it."""
    from schedgen_ops.cli import ops as cli

    cli.scale(op, service, count)


@operation(
    locks=True,
    help={
        "services": "The service, several separated by commas, or `all` that are built.",
        "cache": "Use layers of earlier builds (default: yes).",
    },
    swarm="manager",
)
def build(op: Operation, services: str, cache: bool = True) -> None:
    """Build images anew beside what runs; those from elsewhere are pulled."""
    from schedgen_ops.cli import ops as cli

    cli.build(op, services, cache=cache)


@operation(asks=True, locks=True, swarm="nodes")
def prune(op: Operation) -> None:
    """Remove the build cache, images without a name, old logs; shown first, never volumes."""
    from schedgen_ops.cli import ops as cli

    cli.prune(op)


@operation(swarm="manager")
def migrations(op: Operation) -> None:
    """List applied and pending migrations."""
    from schedgen_ops.cli import ops_database as cli

    cli.migrations(op)


@operation(asks=True, locks=True, swarm="manager")
def migrate(op: Operation) -> None:
    """Apply pending migrations by the serving release's image."""
    from schedgen_ops.cli import ops_database as cli

    cli.migrate(op)


@operation(asks=True, locks=True, swarm="manager")
def revert_migration(op: Operation) -> None:
    """Revert the last migration by the serving release's image."""
    from schedgen_ops.cli import ops_database as cli

    cli.revert_migration(op)


@operation(
    asks=True, locks=True, help={"pid": "The session's number, as `inv doctor` names it."}, swarm="data"
)
def end_session(op: Operation, pid: str) -> None:
    """End a session of the database that keeps others waiting."""
    from schedgen_ops.cli import ops_database as cli

    cli.end_session(op, pid)


@operation(
    asks=True,
    locks=True,
    help={
        "state": "on or off.",
        "services": "Whose visitors, separated by commas (default: those of all services).",
        "hold": "Seconds, 5 to 120, that requests wait for `off` before they get the page (default: none).",
        "health": "Let the paths through that the ingress asks for a service's health.",
    },
    swarm="manager",
)
def maintenance(
    op: Operation, state: str, services: str | None = None, hold: str = "", health: bool = False
) -> None:
    """Answer visitors with a page at the ingress, or hold them, until it is off again."""
    from schedgen_ops.cli import ops_maintenance as cli

    cli.switch(op, state, services, hold, health=health)
