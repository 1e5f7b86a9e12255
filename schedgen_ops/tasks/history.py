"""inv history: what was done in every environment, and how well deliveries go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation

_ENV = "Only this environment: the name of a file in config/ (default: all of them)."


@operation(
    swarm="manager", default=True, help={"env": _ENV, "limit": "How many runs to show, the newest ones."}
)
def runs(op: Operation, limit: int = 20) -> None:
    """List what was done in all environments, newest first, as hosts and this machine's journals know it."""
    from schedgen_ops.cli import history as cli

    cli.show(op, limit)


@operation(
    swarm="manager",
    help={
        "env": _ENV,
        "since": "How far back: 90d, 12h.",
        "html": "Write a page with charts to this file too.",
    },
)
def stats(op: Operation, since: str = "90d", html: str = "") -> None:
    """Show deployment frequency, lead time, failure rate and time to restore, as DORA defines them."""
    from schedgen_ops.cli import history as cli

    cli.deliveries(op, since, html)
