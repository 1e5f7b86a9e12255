"""Nodes that answer us and not the managers: they go on with what they had, whatever is told to the Swarm."""

from __future__ import annotations

from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf
from schedgen_ops.swarm.manager import hosts_of, seen

_HINT = (
    "Mend the network between the nodes; or stop Docker there, or lead its visitors away and take it out of "
    "`hosts`. Then deploy again."
)


def parted(nodes: Fleet, context: ContextOf) -> tuple[str, ...]:
    """Return the hosts that answer and that the managers have lost.

    Raises:
        OpsError: where the first host cannot be asked, or its side has no quorum.
    """
    manager = context(nodes.hosts[0])
    lost = {node.id for node in seen(manager).nodes if node.status == "Down"}
    return hosts_of(nodes, manager, lost)


def refuse(nodes: Fleet, context: ContextOf) -> None:
    """Refuse a deploy whose release some visitors would not get.

    Raises:
        Refused: where a node answers that the managers have lost.
    """
    if found := parted(nodes, context):
        raise Refused(_text(found, "would go on getting what is there"), host=found[0], hint=_HINT)


def fail(nodes: Fleet, context: ContextOf) -> None:
    """Fail where a node that answers was not told of the release.

    Raises:
        OpsError: naming such nodes.
    """
    if found := parted(nodes, context):
        raise OpsError(_text(found, "go on getting the release before"), host=found[0], hint=_HINT)


def warn(nodes: Fleet, context: ContextOf) -> None:
    """Tell of nodes that answer and were not told of the release."""
    for name in parted(nodes, context):
        context(nodes[name]).warn(_text((name,), "go on getting what it had until that is mended"))


def _text(names: tuple[str, ...], what: str) -> str:
    are = "is" if len(names) == 1 else "are"
    who = ", ".join(names)
    return f"{who} {are} cut off from the managers, and visitors there {what}"
