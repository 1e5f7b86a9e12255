"""What `inv status --watch` does with an operation."""

from __future__ import annotations

import os
import sys
import time

from schedgen_ops.cli.status_tables import HOST_COLUMNS, host_rows, service_columns, service_rows, warnings
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.looking import status
from schedgen_ops.looking.status import HostStatus
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.full_screen import full_screen
from schedgen_ops.ui.tables import Table
from schedgen_ops.ui.terminal import is_live


def watch(op: Operation, every: int) -> None:
    """Show on the whole terminal how everything stands, again and again until Ctrl-C, its way to end.

    Args:
        every: seconds between the end of a round and the next.

    Raises:
        ConfigError: without a terminal, or for no time.
    """
    if every < 1:
        raise ConfigError("--every is a number of seconds above 0")
    if op.options.json or not is_live(sys.stdout, os.environ):
        raise ConfigError("--watch needs a terminal", hint="Without one `inv status` looks once.")
    fleet, settings = op.fleet, op.settings
    title = f"{settings.project} on {settings.environment}, every {every} s, Ctrl-C ends"

    def look() -> Outcomes[HostStatus]:
        # A host that is lost is connected to again by the next round.
        return fleet.each(lambda remote: status.look(op.context(remote)))

    try:
        # The way to a host may ask for a passphrase, which nobody sees on a screen that is drawn over.
        seen = look()
        with full_screen(sys.stdout) as screen:
            while True:
                screen.draw(f"{op.clock.now():%H:%M:%S} UTC  {title}", _tables(op, seen), _notes(seen))
                time.sleep(every)
                seen = look()
    except KeyboardInterrupt:
        return


def _tables(op: Operation, seen: Outcomes[HostStatus]) -> tuple[Table, Table]:
    rows = tuple(row for host, one in seen.ok.items() for row in service_rows(host, one))
    return (
        Table(HOST_COLUMNS, tuple(host_rows(op.fleet.names, seen))),
        Table(service_columns(op.settings.project), rows, empty="No service is there."),
    )


def _notes(seen: Outcomes[HostStatus]) -> tuple[str, ...]:
    missing = (
        f"{host}: {error.message if isinstance(error, OpsError) else error}"
        for host, error in seen.errors.items()
    )
    return (*missing, *(f"{host}: {text}" for host, text in warnings(seen)))
