"""Where the data of a Swarm is: asked of all nodes once, when a task begins that works with it."""

from __future__ import annotations

from schedgen_ops import events
from schedgen_ops.commands.swarm_data import parse_holding
from schedgen_ops.swarm import data_node
from schedgen_ops.task_run import Operation


def place(op: Operation) -> None:
    """Have the run's settings say which node holds what, and its fleet the nodes that hold anything.

    A node that does not answer is left out and told of: the database runs elsewhere, or nowhere.
    """
    written = op.settings
    command = data_node.ask(written)
    asked = op.fleet.each(lambda remote: parse_holding(remote.run(command, deadline=60).lines()))
    first = op.fleet.names[0]
    if first in asked.errors:
        raise asked.errors[first]
    if asked.errors:
        events.warn(op.emit, data_node.told(tuple(asked.errors)))
    op.placed = data_node.Placed(written, asked.ok, tuple(asked.errors))
    op.settings = op.placed.settings
    op.fleet = op.nodes.only([host.name for host in op.settings.backup_hosts()])
