"""Nodes whose ports answer nobody because somebody wants it so: what visitors notice is not asked there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.swarm.manager import hosts_of, seen


def hosts(nodes: Fleet, context: ContextOf) -> tuple[str, ...]:
    """Return the hosts that are drained, or that are to have no ingress.

    Raises:
        OpsError: where the first host cannot be asked.
    """
    manager = context(nodes.hosts[0])
    found, chosen = seen(manager), manager.settings.swarm.ingress_on
    return hosts_of(nodes, manager, {node.id for node in found.nodes if found.closed(node, chosen)})


def without(names: Collection[str], context: HostContext) -> HostContext:
    """Return a host's context with nothing to ask at the ports of these hosts."""
    return replace(context, settings=context.settings.closed(names))


def tell(context: HostContext) -> None:
    """Tell that a host's ports are not asked, where that is so."""
    if context.settings.checks and not context.settings.checks_on(context.entry):
        context.warn("it is drained, or the config gives it no ingress: its ports are not asked")


def closing(nodes: Fleet, context: ContextOf) -> ContextOf:
    """Return contexts with nothing to ask where ports answer nobody; what is not known of is asked.

    Args:
        nodes: the first is a manager.
    """
    try:
        names = hosts(nodes, context)
    except OpsError:
        names = ()
    return lambda remote: without(names, context(remote))
