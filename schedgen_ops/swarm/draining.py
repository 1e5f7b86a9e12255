"""Work taken away from a node of a Swarm, and given back: what is moved, and what cannot be. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.commands.swarm import Node, Seen
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.text import plural


@dataclass(frozen=True, slots=True)
class Drain:
    """What draining a node takes.

    Attributes:
        moved: services whose containers are started elsewhere before those there end.
        ended: services that end there without that: what runs on every node.
    """

    node: Node
    moved: tuple[str, ...]
    ended: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What an operator has to know before it begins."""
        first = (
            f"Started elsewhere first: {', '.join(self.moved)}" if self.moved else "Nothing is to be moved"
        )
        gate = f"{self.node.name} publishes no port any more: lead its visitors to another node before"
        return (first, *((gate,) if INGRESS in self.ended else ()))


def node_of(seen: Seen, name: str, known: str = "") -> Node:
    """Return the node that an operator means.

    Args:
        name: as the Swarm calls it.
        known: the id that a host of the config said it has; "" where none did.

    Raises:
        ConfigError: for one that is not there.
    """
    found = (seen.node(known) if known else None) or seen.node(name)
    if found is None:
        there = ", ".join(node.name for node in seen.nodes)
        raise ConfigError(f"the Swarm has no node {name!r}", hint=f"There are: {there}.")
    return found


def planned(seen: Seen, node: Node) -> Drain:
    """Return what draining a node takes.

    Raises:
        Refused: where a service cannot run elsewhere, or no other node could take it.
    """
    others = [
        each for each in seen.nodes if each.id != node.id and each.good and each.availability == "Active"
    ]
    there = [each for each in seen.services if any(task.node == node.name for task in each.tasks)]
    if stuck := [each.service for each in there if each.pinned]:
        raise Refused(
            f"{', '.join(stuck)} cannot run elsewhere: its volume is on {node.name}",
            hint="Move the data first; then `docker volume rm` there, and deploy.",
        )
    moved = tuple(each.service for each in there if each.mode == "replicated" and not each.ends)
    if moved and not others:
        raise Refused(
            f"no other node could take {', '.join(moved)}", hint="`inv status` tells how they stand."
        )
    return Drain(node, moved, tuple(each.service for each in there if each.mode == "global"))


def told(done: Drain) -> str:
    """Return what was done, in words."""
    return f"{done.node.name} is drained; {plural(len(done.moved), 'service')} moved"
