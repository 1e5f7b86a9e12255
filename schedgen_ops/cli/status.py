"""What `inv status` does with an operation."""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops import events
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.cli.status_tables import HOST_COLUMNS, host_rows, service_columns, service_rows, warnings
from schedgen_ops.looking import status
from schedgen_ops.looking.status import HostStatus
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Table


def show(op: Operation) -> None:
    """Show how every host and every service stands; the hosts come last, where a long list ends."""
    if op.settings.on_swarm:
        from schedgen_ops.cli import swarm

        swarm.status(op)
        return
    rows = Rows(op, service_columns(op.settings.project), "Services")

    def show_services(came: Mapping[str, HostStatus]) -> None:
        rows.add([row for host, seen in came.items() for row in service_rows(host, seen)])

    seen = look(op, lambda remote: status.look(op.context(remote)), show_services)
    rows.end(seen, "No service is there.")
    op.ui.show(Table(HOST_COLUMNS, tuple(host_rows(op.fleet.names, seen)), "Hosts"))
    for host, text in warnings(seen):
        events.warn(op.emit, text, host)
    conclude(seen)
