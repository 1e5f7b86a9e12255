"""Nodes whose ports are to answer nobody: nothing is said to be wrong of them."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import FakeHost, context
from swarm_kit import swarm
from test_swarm_data import R1, manager
from test_swarm_environment import line, node, service
from test_swarm_rolling import host_run, release

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.events import Event, Message, silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.settings import Settings
from schedgen_ops.swarm import shut
from schedgen_ops.swarm.guarding import agent_config
from schedgen_ops.swarm.session import SwarmSession

# An ingress on the first node, and one more container of it.
GATE = service("schedgen-ingress")
SECOND = line(task="shop_schedgen-ingress.x", on="app2", **{"is": "Starting 1 second ago"}, error="")
CHECK = {"name": "site", "url": "http://127.0.0.1:3000/"}


def nodes(*more: str, **second: Any) -> tuple[FakeHost, ...]:
    """Two hosts, each a node; of the second one a manager says so, and of services `more`."""
    told = "\n".join((node(), node("app2", **{"self": False, **second}), *more))
    first = manager(look_at_the_Swarm=told, look_for_volumes="id-app1\n")
    return first, FakeHost("app2", {"look for volumes": "id-app2\n"})


def session(settings: Settings, *hosts: FakeHost) -> SwarmSession:
    run = host_run(hosts[0], R1, release("2", "web"))
    run.context = context(hosts[0], settings)
    owner = lock.myself(run.clock, "deploy", "v2")
    fleet = Fleet(hosts)
    made = SwarmSession(settings, fleet.only(["app1"]), None, "run", run.clock, silence, owner, nodes=fleet)
    made.host_runs = (run,)
    return made


@pytest.mark.parametrize(
    ("second", "chosen", "gate", "found"),
    [
        ({}, [], GATE, ()),
        ({"availability": "Pause"}, [], GATE, ()),
        ({"availability": "Drain"}, [], GATE, ("app2",)),
        ({}, ["node.labels.web==yes"], GATE, ("app2",)),
        ({}, ["node.labels.web==yes"], (*GATE, SECOND), ()),
        # Before there is an ingress nobody knows whom its constraints leave out.
        ({}, ["node.labels.web==yes"], (), ()),
    ],
)
def test_what_is_drained_or_is_to_have_no_ingress_is_found(
    second: Any, chosen: list[str], gate: tuple[str, ...], found: Any
) -> None:
    settings = swarm(swarm={"registry": "registry:5000", "ingress_on": chosen})
    hosts = nodes(*gate, **second)
    assert shut.hosts(Fleet(hosts), lambda remote: context(remote, settings)) == found


def test_what_visitors_notice_is_not_asked_there_and_said_once() -> None:
    events: list[Event] = []
    made = session(swarm(checks=[CHECK]), *nodes(availability="Drain"))
    made.emit = events.append
    for _ in range(2):
        made._look_for_shut()
    assert _asked(made) == {"app1": 1, "app2": 0}
    (warned,) = (event for event in events if isinstance(event, Message))
    assert (warned.level, warned.host, "its ports are not asked" in warned.text) == ("warn", "app2", True)


def _asked(made: SwarmSession) -> dict[str, int]:
    """How many checks are made on each node."""
    contexts = [made.node(remote) for remote in made.nodes]
    return {each.name: len(each.settings.checks_on(each.entry)) for each in contexts}


def test_a_first_host_that_is_drained_is_not_asked_either_and_routes_are_as_they_were() -> None:
    told = "\n".join((node(availability="Drain"), node("app2", self=False)))
    hosts = (manager(look_at_the_Swarm=told, look_for_volumes="id-app1\n"), nodes()[1])
    made = session(swarm(checks=[CHECK]), *hosts)
    made._look_for_shut()
    assert _asked(made) == {"app1": 0, "app2": 1}
    at_work = made.at_work
    assert agent_config(at_work, at_work, alone=False).targets == ()
    assert [check.name for check in at_work.settings.checks] == ["site"]


def test_where_the_manager_does_not_tell_it_is_as_it_was() -> None:
    made = session(swarm(checks=[CHECK]), *nodes())
    made.shut = ("app2",)
    made.at_work.remote.answers["look at the Swarm"] = ConnectionLost("gone")  # type: ignore[attr-defined]
    made._look_for_shut()
    assert made.shut == ("app2",)
