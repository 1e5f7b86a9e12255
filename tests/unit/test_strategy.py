"""How each service is replaced, in what order, and what the compose file must say for that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import minimal

from schedgen_ops.commands.compose import Port, Service, parse_services
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.grouping import waves
from schedgen_ops.rollout.strategies import registry

SITE = Service("web", "", "/srv/p/web", (), (Port(3000, 80),), 1, "w1")
WORKER = replace(SITE, name="worker", ports=())


def strategy(service: Service, **rollout: list[str]) -> str:
    """What the registry chooses for a service that is alone on its host."""
    tiers = [{"name": "All", "services": [service.name, "another"]}]
    return registry.chosen([service], minimal(rollout=rollout, tiers=tiers))[service.name].name


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (SITE, "ingress"),
        (WORKER, "start-first"),
        (replace(SITE, context="", image="redis:7"), "stop-first"),
        (replace(WORKER, context="", image="redis:7"), "stop-first"),
        (replace(WORKER, context="", image="localhost:5000/bitnami/rabbitmq:3@sha256:ab"), "stop-first"),
        (replace(WORKER, context="/srv/p/redis", image="redis"), "start-first"),
        (replace(SITE, context="", image="registry.example/shop:v1.2.3"), "ingress"),
        (replace(WORKER, context="", image="oliver006/redis_exporter"), "start-first"),
        (replace(SITE, context="", image="shop", keeps="it is the database"), "stop-first"),
        (replace(SITE, volumes=("uploads",)), "stop-first"),
        (replace(WORKER, volumes=("spool",)), "stop-first"),
        (replace(SITE, fixed_name=True), "stop-first"),
        (replace(SITE, odd_ports=True), "stop-first"),
        (replace(SITE, mounts=("/srv/p/web.conf",)), "ingress"),
    ],
)
def test_the_definition_suggests_how(service: Service, expected: str) -> None:
    assert strategy(service) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("ingress", "ingress"),
        ("start_first", "start-first"),
        ("stop_first", "stop-first"),
    ],
)
@pytest.mark.parametrize("service", [SITE, replace(SITE, context="", volumes=("data",)), WORKER])
def test_the_config_has_the_last_word(service: Service, key: str, expected: str) -> None:
    assert strategy(service, **{key: [service.name]}) == expected
    assert strategy(service, **{key: ["another"]}) == strategy(service)


NAMES = "abcdef"
NEEDS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES + "x"), unique=True, max_size=4), max_size=6
)


def _records(needs: dict[str, list[str]]) -> dict[str, ServiceRecord]:
    return {name: ServiceRecord("i", "id", "d", needs=tuple(others)) for name, others in needs.items()}


@given(NEEDS)
def test_every_service_is_in_one_wave_whatever_needs_whatever(needs: dict[str, list[str]]) -> None:
    found = waves(_records(needs))
    assert sorted(name for wave in found for name in wave) == sorted(needs)
    assert all(found)


@given(NEEDS)
def test_no_service_comes_before_what_it_needs(needs: dict[str, list[str]]) -> None:
    # Only later letters are needed: no circles.
    straight = {name: [other for other in others if other > name] for name, others in needs.items()}
    place = {name: number for number, wave in enumerate(waves(_records(straight))) for name in wave}
    for name, others in straight.items():
        assert all(place[other] < place[name] for other in others if other in place)


def test_what_does_not_depend_on_one_another_goes_together() -> None:
    needs = {"frontend": ["backend"], "backend": ["db"], "worker": ["db"]}
    assert waves(_records(needs)) == (("backend", "worker"), ("frontend",))


def test_a_circle_goes_last_and_together() -> None:
    needs = {"a": ["b"], "b": ["a"], "c": ["a"], "d": []}
    assert waves(_records(needs)) == (("d",), ("a", "b", "c"))


# What a compose file says of ports


def service(**body: Any) -> Service:
    """A service as `docker compose config` describes it."""
    return parse_services({"services": {"web": body}}, {"web": "h"})[0]


def port(published: str, target: int = 80, **more: str) -> dict[str, object]:
    """A port as `docker compose config` prints it, whichever form its owner used."""
    return {"mode": "ingress", "target": target, "published": published, "protocol": "tcp", **more}


def test_single_tcp_ports_are_read_with_their_addresses() -> None:
    found = service(ports=[port("3000"), port("8443", 443, host_ip="127.0.0.1")])
    assert found.ports == (Port(3000, 80), Port(8443, 443, "127.0.0.1"))
    assert not found.odd_ports


@pytest.mark.parametrize(
    "entry",
    [
        port("53", 53, protocol="udp"),
        port("8000-8010"),
        {"mode": "ingress", "target": 80, "protocol": "tcp"},
        {"target": 80, "published": "", "protocol": "tcp"},
    ],
    ids=["udp", "a range", "a port that Docker chooses", "no published port"],
)
def test_what_is_no_single_tcp_port_keeps_a_service_from_the_ingress(entry: dict[str, object]) -> None:
    found = service(build={"context": "/srv/p/web"}, ports=[port("3000"), entry])
    assert found.ports == (Port(3000, 80),)
    assert found.odd_ports
    assert strategy(found) == "stop-first"


def test_a_service_tells_what_a_roll_out_must_know() -> None:
    found = service(
        container_name="the-web",
        depends_on={"db": {"condition": "service_healthy"}, "cache": {"condition": "service_started"}},
        networks={"front": None, "back": None},
        volumes=[
            {"type": "volume", "source": "data", "target": "/data"},
            {"type": "bind", "source": "/srv/p/x", "target": "/x"},
        ],
        deploy={"replicas": 3},
    )
    assert found.fixed_name
    assert found.needs == ("cache", "db")
    assert found.networks == ("back", "front")
    assert (found.volumes, found.mounts) == (("data",), ("/srv/p/x",))
    assert found.replicas == 3


def test_a_service_that_says_nothing_is_alone_on_the_default_network() -> None:
    found = service(image="x")
    assert (found.ports, found.odd_ports, found.needs, found.networks) == ((), False, (), ("default",))
    assert (found.fixed_name, found.volumes, found.replicas) == (False, (), 1)
