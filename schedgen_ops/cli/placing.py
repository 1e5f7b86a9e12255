"""Where the data of a Swarm is: asked of all nodes once, when a task begins that works with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops import events
from schedgen_ops.commands.swarm_data import parse_holding
from schedgen_ops.errors import OpsError
from schedgen_ops.remote import Result
from schedgen_ops.swarm import data_node
from schedgen_ops.task_run import Operation

if TYPE_CHECKING:
    from schedgen_ops.swarm.data_node import Placed


def place(op: Operation) -> None:
    """Have the run's settings say which node holds what, and its fleet the nodes that hold anything.

    A node that does not answer is left out and told of: the database runs elsewhere, or nowhere.
    """
    op.placed = placed(op)
    if op.placed.lost:
        events.warn(op.emit, data_node.told(op.placed.lost))
    op.settings = op.placed.settings
    op.fleet = op.nodes.only([host.name for host in op.settings.backup_hosts()])


def placed(op: Operation) -> Placed:
    """Return which nodes have data or backups, asked of all of them.

    Raises:
        OpsError: where the first host does not answer.
    """
    written = op.settings
    command = data_node.ask(written)
    asked = op.nodes.each(lambda remote: parse_holding(remote.run(command, deadline=60).lines()))
    first = op.nodes.names[0]
    if first in asked.errors:
        raise asked.errors[first]
    return data_node.Placed(written, asked.ok, tuple(asked.errors))


def catalog(op: Operation) -> Result:
    """Return what the node of the database says of its backups; a failure that says why nobody does.

    Raises:
        OpsError: where the first host does not answer.
    """
    from schedgen_ops.backup.catalog import remote_commands

    found = placed(op)
    try:
        node = found.node()
        if not found.having[node].keeps:
            return Result("", "", 0, 0.0)
        listing = remote_commands.list_(op.settings.backup.directory).in_dir(op.settings.directory)
        return op.nodes[node].run(listing, deadline=60, check=False)
    except OpsError as error:
        return Result("", error.message, 1, 0.0)
