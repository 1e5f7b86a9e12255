"""Nodes that answer us and not the managers: a deploy is refused or taken back, a rollback goes on."""

from __future__ import annotations

import pytest
from fakes import FakeHost, context
from swarm_kit import swarm
from test_swarm_environment import node

from schedgen_ops.errors import ConnectionLost, OpsError, Refused
from schedgen_ops.events import Event, Message
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import parted


class Nodes:
    """A manager that has so many nodes, of which some are lost, and what we reach of them."""

    def __init__(self, *lost: str) -> None:
        told = "\n".join(
            node(name, status="Down" if name in lost else "Ready", self=name == "app1")
            for name in ("app1", "app2", "app3")
        )
        hosts = [
            FakeHost(name, {"look at the Swarm": told, "look for volumes": f"id-{name}\n"})
            for name in ("app1", "app2")
        ]
        self.events: list[Event] = []
        self.hosts, self.fleet = hosts, Fleet(hosts)

    def at(self, remote: Remote) -> HostContext:
        made = context(remote, swarm())
        return HostContext(remote, made.settings, made.clock, self.events.append)


def test_where_all_nodes_are_there_none_is_asked() -> None:
    nodes = Nodes()
    parted.fail(nodes.fleet, nodes.at)
    assert [len(host.commands) for host in nodes.hosts] == [1, 0]


def test_a_node_that_answers_nobody_is_the_swarms_to_replace() -> None:
    nodes = Nodes("app3")
    parted.refuse(nodes.fleet, nodes.at)
    nodes = Nodes("app2")
    nodes.hosts[1].answers["look for volumes"] = ConnectionLost("gone")
    parted.fail(nodes.fleet, nodes.at)


def test_a_node_that_answers_and_is_lost_keeps_what_it_had() -> None:
    nodes = Nodes("app2")
    with pytest.raises(Refused, match="app2 is cut off from the managers"):
        parted.refuse(nodes.fleet, nodes.at)
    with pytest.raises(OpsError, match="visitors there go on getting the release before") as failed:
        parted.fail(nodes.fleet, nodes.at)
    assert "Mend the network" in failed.value.hint
    parted.warn(nodes.fleet, nodes.at)
    assert [event.level for event in nodes.events if isinstance(event, Message)] == ["warn"]
