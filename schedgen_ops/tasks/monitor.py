"""inv monitor: dashboards of the hosts here, and what Prometheus knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(
    default=True,
    name="open",
    help={"browser": "Open a browser on them; --no-browser only says where they are."},
)
def open_(op: Operation, browser: bool = True) -> None:
    """Open the dashboards of all hosts on local ports, over SSH, until Ctrl-C."""
    from schedgen_ops.cli import monitor as cli

    cli.open_(op, browser=browser)


@operation(
    help={"query": "PromQL, as 'rate(http_requests_total[5m])'.", "since": "How far back: 10m, 2h, 1d."}
)
def query(op: Operation, query: str, since: str = "1h") -> None:
    """Ask Prometheus on the hosts: the last value of each series, and a line of bars."""
    from schedgen_ops.cli import monitor as cli

    cli.query(op, query, since)
