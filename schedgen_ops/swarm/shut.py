"""Nodes whose ports answer nobody because somebody wants it so: what visitors notice is not asked there."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.commands.swarm import Node
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf
from schedgen_ops.settings import Settings
from schedgen_ops.swarm.manager import hosts_of, seen


def hosts(nodes: Fleet, context: ContextOf) -> tuple[str, ...]:
    """Return the hosts that are drained, or that the config gives no ingress.

    Raises:
        OpsError: where the first host cannot be asked.
    """
    manager = context(nodes.hosts[0])
    ids = {node.id for node in _shut(seen(manager).nodes, manager.settings)}
    return hosts_of(nodes, manager, ids)


def _shut(nodes: tuple[Node, ...], settings: Settings) -> Iterator[Node]:
    chosen = settings.swarm.ingress_on
    for node in nodes:
        if node.availability == "Drain" or (chosen and node.name not in chosen):
            yield node
