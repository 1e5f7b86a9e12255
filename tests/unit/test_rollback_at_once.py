"""Going back to what stands by: on simulated hosts, as a task with an operator who answers."""

from __future__ import annotations

from dataclasses import replace

import deploying
import going_back
import pytest
from deploying import FIRST, SECOND, deploy
from going_back import ask
from kit import settings
from simulated import Fault, SimHost
from simulated_world import NEW, NEXT, World, image_id

from schedgen_ops.events import Message
from schedgen_ops.watch.host_sample import memory_used

OLD, NEWER = f"{FIRST}-{NEW[:7]}", f"{SECOND}-{NEXT[:7]}"
BEHIND = ["backend", "frontend"]


@pytest.fixture(autouse=True)
def stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for hosts in (("app1",), ("app1", "app2")):
        told = settings(*hosts, rollout={"standby": 600})
        for module in (deploying, going_back):
            monkeypatch.setattr(module, "one" if len(hosts) == 1 else "two", told)


@pytest.fixture
def world() -> World:
    """v1.2.4 after v1.2.3, which stands by."""
    host = SimHost()
    for branch, run in (("v1.2.3", FIRST), ("v1.2.4", SECOND)):
        outcome = deploy(host, branch=branch, run=run)
        assert outcome.code == 0, outcome.error
    texts = [each.text for each in outcome.events if isinstance(each, Message)]
    assert f"backend, frontend of {OLD} stand by for 600s" in texts
    return host.world


def test_what_was_replaced_behind_the_ingress_stands_by(world: World) -> None:
    assert sorted(world.aside) == BEHIND
    assert world.stands.startswith(f"{OLD} {NEWER} ")
    assert not world.standby
    assert not world.cut


def test_requests_are_moved_before_anything_else_is_done(world: World) -> None:
    host = SimHost(world=world)
    ran = ask(host, yes=True)
    assert ran.code == 0, ran.text
    assert host.world.changed[: len(BEHIND)] == [f"move {name}" for name in BEHIND]
    # An ingress that is opened to all leads to no container of the newer release again.
    opened = host.asked.index("replace backend, frontend, schedgen-ingress")
    assert all(host.asked.index(f"replace {name}") < opened for name in BEHIND)
    assert f"{OLD} answers every request, " in ran.text
    assert f"{OLD} serves again\n" in ran.text
    assert host.world.current == OLD
    assert host.world.records()[NEWER] == "FAILED"
    assert host.world.head == NEW
    assert host.world.images["schedgen-backend:latest"] == image_id("backend", NEW)
    assert {box.release for name, box in host.world.boxes.items() if name in BEHIND} == {OLD}
    assert not host.world.standby
    # What had to be stopped for the newer release is started anew as ever.
    assert not [
        line for line in host.asked if line.startswith("docker compose up") and line.split()[-1] in BEHIND
    ]


def test_what_a_rollback_made_and_stands_by_is_what_it_went_back_to() -> None:
    host = SimHost()
    for branch, run in (("v1.2.3", FIRST), ("v1.2.4", SECOND)):
        assert deploy(host, branch=branch, run=run).code == 0
    host.world.aside.clear()
    host.world.stands = ""
    assert ask(host, yes=True).code == 0
    made = host.world.current
    assert made not in (OLD, NEWER)
    assert deploy(host, branch="v1.2.4", run="20250115_160000").code == 0
    assert host.world.stands.startswith(f"{made} ")
    ran = ask(host, yes=True)
    assert ran.code == 0, ran.text
    assert f"{made} answers every request, " in ran.text
    assert f"{OLD} serves again, as {made}\n" in ran.text
    assert host.world.current == made


def test_all_hosts_go_back_at_once_or_all_the_long_way(world: World) -> None:
    first, second = SimHost(world=world), SimHost("app2", world)
    assert ask(first, second, yes=True).code == 0
    assert {host.world.current for host in (first, second)} == {OLD}
    second = SimHost("app2", replace(world.copy(), aside={}, stands=""))
    first = SimHost(world=world)
    assert ask(first, second, yes=True).code == 0
    for host in (first, second):
        assert not [line for line in host.world.changed if line.startswith("move ")]
        assert host.world.records()[NEWER] == "DONE"


@pytest.mark.parametrize("other", [{"to": f"{FIRST}-aaaaaaa-adopted"}, {"revert": True}])
def test_another_release_or_the_schema_with_it_is_gone_back_to_as_ever(
    world: World, other: dict[str, object]
) -> None:
    host = SimHost(world=world)
    ran = ask(host, yes=True, **other)  # type: ignore[arg-type]
    assert ran.code == 0, ran.text
    assert "end the standby" in host.world.changed
    assert not [line for line in host.world.changed if line.startswith("move ")]


def test_what_does_not_serve_is_gone_back_to_the_long_way(world: World) -> None:
    host = SimHost(world=replace(world.copy(), sick=("stood by",)))
    ran = ask(host, yes=True)
    assert "What stood by does not serve: the ingress does not see what stood by of backend" in ran.text
    assert ran.code == 0, ran.text
    assert host.world.head == NEW
    assert not host.world.aside


def test_the_next_deploy_ends_it(world: World) -> None:
    host = SimHost(world=world)
    assert deploy(host, branch="v1.2.3", run="20250115_140000").code == 0
    assert "end the standby" in host.world.changed
    assert host.world.stands.startswith(f"{NEWER} ")


def test_where_nothing_can_stand_by_it_goes_as_ever() -> None:
    host = SimHost(fault=Fault(0, 1, named="leave what was replaced of backend"))
    outcome = deploy(host)
    assert outcome.code == 0
    assert "nothing stands by: " in "\n".join(e.text for e in outcome.events if isinstance(e, Message))
    assert not host.world.stands


def test_what_memory_is_taken_is_read_and_what_cannot_be_is_left_out() -> None:
    said = "web-1\t12.5MiB / 1GiB\nweb-2\t1.5GiB / 4GiB\nweb-3\t-- / --\nweb-4\t512kB / 1GB\n"
    assert memory_used(said) == {"web-1": 13107200, "web-2": 1610612736, "web-4": 512000}
