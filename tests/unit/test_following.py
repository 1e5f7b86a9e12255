"""What uses another service's network goes with it, in one deploy and on every way back; X is never two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeHost
from kit import minimal
from planning import box, lines

from schedgen_ops.commands.compose import parse_services
from schedgen_ops.commands.docker import Container, parse_containers
from schedgen_ops.deploy.forecast import forecast
from schedgen_ops.ops import services as ops
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.rollout import following, planner
from schedgen_ops.rollout.grouping import together
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.work_tree import GoBack

NEEDS = {"client": ("vpn",), "web": ("client",)}
BUILT = {"build": {"context": "/srv/blog/x"}}


def release(name: str, changed: Iterable[str] = (), *, noted: bool = True) -> Release:
    """A client on the network of a vpn, and what needs that client."""
    services = {
        each: ServiceRecord(
            f"p-{each}:{name}",
            name if each in changed else "base",
            "same",
            needs=NEEDS.get(each, ()),
            uses=(("vpn", "network"),) if each == "client" and noted else (),
        )
        for each in ("client", "vpn", "web")
    }
    return Release(ReleaseId(name), "main", "a" * 40, State.DONE, services=services)


def running(of: Release, vpn: str = "vpn-1") -> tuple[Container, ...]:
    found = {name: box(name, of.id, record.image_id, 1) for name, record in of.services.items()}
    found["vpn"] = replace(found["vpn"], id=vpn)
    found["client"] = replace(found["client"], uses=(("vpn-1", "network"),))
    return tuple(found.values())


OLD = release("r1")


@pytest.mark.parametrize("services", [["client", "vpn", "web"], ["vpn"]], ids=["all", "of a tier of its own"])
@pytest.mark.parametrize("noted", [True, False], ids=["noted", "only seen"])
def test_a_client_is_replaced_after_what_it_uses_though_unchanged(services: list[str], noted: bool) -> None:
    new = release("r2", ["vpn"], noted=noted)
    found = lines(planner.forward(services, new, OLD, running(OLD)))
    told = [line for line in found.splitlines() if not line.startswith("leave")]
    assert told == [
        "recreate vpn of r2: its image changed",
        "recreate client of r2: vpn, whose network it uses, is replaced",
    ]


def test_a_rollback_has_them_in_that_order_too() -> None:
    new = release("r2", ["vpn", "client"])
    found = lines(planner.forward(["client", "vpn", "web"], new, OLD, running(OLD), grouped=together))
    assert found.index("recreate vpn") < found.index("recreate client")


@pytest.mark.parametrize("noted", [True, False])
def test_the_way_back_ends_with_a_client_on_the_network_that_is_there(noted: bool) -> None:
    before, new = release("r1", noted=noted), release("r2", ["vpn"])
    found = running(new)
    text = lines(planner.put_back(before, ["vpn"], found, last_first=True))
    assert text.index("recreate vpn of r1") < text.index("recreate client of r1")
    # Cut off between the two: what it uses is gone.
    half = running(release("r1"), vpn="vpn-2")
    text = lines(planner.put_back(release("r1"), ["vpn", "client"], half, last_first=True))
    assert text.splitlines()[0] == "recreate client of r1: vpn, whose network it uses, was replaced"


def test_the_hosts_own_way_back_has_the_client_last() -> None:
    text = lines(planner.unattended(release("r2", ["vpn"]), OLD, ["vpn", "client"], GoBack("a" * 40)))
    assert text.index("recreate vpn of r1") < text.index("recreate client of r1")


def test_what_uses_nothing_of_it_stays() -> None:
    plan = planner.forward(["client", "vpn", "web"], release("r2", ["web"]), OLD, running(OLD))
    assert [line for line in lines(plan).splitlines() if not line.startswith("leave")] == [
        "recreate web of r2: its image changed"
    ]
    # It was never started: a deploy does not begin with it because of another one.
    there = [each for each in running(OLD) if each.service != "client"]
    assert "client" not in lines(planner.forward(["vpn"], release("r2", ["vpn"]), OLD, there))


def test_groups_are_cut_so_that_a_chain_of_users_comes_in_its_order() -> None:
    known = {"c": {"b": "network"}, "b": {"a": "network"}}
    assert following.behind([("c", "x"), ("b",), ("a", "y")], known) == (("x",), ("a", "y"), ("b",), ("c",))
    assert following.behind([("a",), ("b",), ("c",)], known) == (("a",), ("b",), ("c",))


SERVICES = {
    "vpn": {**BUILT, "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]},
    "client": {**BUILT, "network_mode": "service:vpn"},
}


@pytest.mark.parametrize(
    ("user", "what"),
    [
        ({"network_mode": "service:vpn"}, "network"),
        ({"ipc": "service:vpn"}, "IPC"),
        ({"pid": "service:vpn"}, "processes"),
        ({"volumes_from": ["vpn:ro"]}, "volumes"),
    ],
)
def test_what_is_used_by_another_one_is_never_two_at_once(user: dict[str, Any], what: str) -> None:
    document = {"services": {**SERVICES, "client": {**BUILT, **user}}}
    client, vpn = parse_services(document, {})
    assert (client.uses, client.needs) == ((("vpn", what),), ("vpn",))
    assert vpn.alone == f"client uses its {what}"
    for rollout in ({}, {"ingress": ["vpn"]}):
        assert registry.chosen([vpn], minimal(rollout=rollout))["vpn"].name == "stop-first"


def test_the_plan_tells_that_both_go() -> None:
    config = minimal(tiers=[{"name": "App", "services": ["client"]}, {"name": "Net", "services": ["vpn"]}])
    services = parse_services({"services": SERVICES}, {"vpn": "changed", "client": "same"})
    found = [replace(each, release="") for each in running(OLD) if each.service != "web"]
    made = forecast(config, config.hosts[0], services, found, None, "a" * 40, ["x/a"])
    rows = {name: more for name, *more in made.rows}
    assert rows["vpn"][2].startswith("stop-first (client uses its network)")
    assert rows["client"][0] == "replace"


def test_what_a_container_uses_is_read() -> None:
    line = (
        '{"id":"1","name":"/c","image":"i","labels":{},"status":"running","health":"","started":"","restarts":0,'
        '"exit_code":0,"oom":false,"image_name":"c","grace":null,"modes":{"network":"container:abc",'
        '"IPC":"private","processes":""},"volumes_from":["def:ro"]}'
    )
    (found,) = parse_containers(line)
    assert found.uses == (("abc", "network"), ("def", "volumes"))
    (found,) = parse_containers(line.replace('["def:ro"]', "null").replace("container:abc", "default"))
    assert found.uses == ()


@pytest.mark.parametrize("act", [ops.restart, ops.start])
def test_who_uses_the_network_of_what_was_restarted_is_restarted_too(act: Any) -> None:
    def line(id_: str, service: str, mode: str, status: str = "running") -> str:
        labels = f'{{"com.docker.compose.service":"{service}"}}'
        return (
            f'{{"id":"{id_}","name":"/{service}","image":"i","labels":{labels},"status":"{status}","health":"",'
            '"started":"","restarts":0,"exit_code":0,"oom":false,"image_name":"c","grace":null,'
            f'"modes":{{"network":"{mode}"}},"volumes_from":null}}'
        )

    told: list[Any] = []
    before = line("v1", "vpn", "default", "exited" if act is ops.start else "running")
    user = line("c1", "client", "container:v1")
    replies = [f"{before}\n{user}", f"{line('v1', 'vpn', 'default')}\n{user}"]
    host = FakeHost(answers={"docker inspect": replies, "docker restart": "", "docker start": ""})
    act(host, minimal(), told.append, ["vpn"])
    moved = [dict(each.values)["containers"] for each in host.commands if each.title != "docker inspect"]
    assert moved == [("v1",), ("c1",)]
    assert "client, whose container uses that of vpn, restarted" in told[-1].text
