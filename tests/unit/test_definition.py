"""What a compose file says of its services, as every Compose from 2.26 to 5 resolves it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from kit import RECORDED, bash, minimal, path, program, recorded, settings

from schedgen_ops.commands.compose import Compose, Port, Service, parse_resolved, parse_services
from schedgen_ops.commands.docker import INGRESS, Docker, parse_containers
from schedgen_ops.proxy.haproxy import HAProxy
from schedgen_ops.proxy.routes import routes
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import plan
from schedgen_ops.rollout.strategies import registry

BINARY = Path(sys.executable).parent / "docker-compose"
VERSIONS = ("2.26.1", "2.40.3", "5.3.1", "installed")


@cache
def installed() -> str:
    """What the Compose of this machine answers."""
    words = [str(BINARY), "-p", "p", "-f", str(RECORDED / "ways.yaml"), "--project-directory", "/srv/p"]
    done = subprocess.run(
        [*words, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def services(version: str) -> dict[str, Service]:
    text = installed() if version == "installed" else recorded(f"compose-{version}.json")
    return {service.name: service for service in parse_services(json.loads(text), {})}


HOWS = {
    "ingress": ("dual", "long", "range"),
    "start-first": ("bound", "aliased", "scaled", "scaled-by-scale", "configured", "labelled"),
    "stop-first": (
        *("two-targets", "range-to-one", "chosen-by-docker", "udp", "anonymous", "named"),
        *("host", "beside", "plain", "fixed", "cache"),
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_form_is_read_and_only_what_may_run_twice_does(version: str) -> None:
    found = services(version)
    hows = {name: how.name for name, how in registry.chosen(found.values(), settings()).items()}
    wanted = {name: how for how, names in HOWS.items() for name in names if name in found}
    assert hows == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_ports_volumes_and_the_rest_are_as_they_were_written(version: str) -> None:
    found = services(version)
    assert found["dual"].ports == (Port(8001, 80, "0.0.0.0"), Port(8001, 80, "::"))
    assert found["range"].ports == tuple(Port(8010 + n, 80 + n) for n in range(3))
    assert found["long"].ports == (Port(8003, 80, "127.0.0.1"),)
    assert found["udp"].odd_ports
    assert (found["anonymous"].volumes, found["named"].volumes) == (("/data",), ("data",))
    assert found["configured"].mounts == ("/srv/p/web/conf", "/srv/p/web/sec")
    assert found["bound"].mounts == ("/srv/p/web",)
    assert [found[name].replicas for name in ("plain", "scaled", "scaled-by-scale")] == [1, 3, 2]
    assert found["plain"].needs == ("cache",)
    assert found["aliased"].networks == ("default", "front")
    reasons = {name: found[name].single for name in found if found[name].single}
    assert reasons == {
        "host": "it is on the host's own network",
        "beside": "it is on the network of another container",
        "plain": "beside uses its network",
        "fixed": "it has a fixed address",
    }


def test_a_port_on_two_addresses_is_one_listener_that_both_lead_to() -> None:
    (route,) = routes([services("5.3.1")["dual"]], ())
    assert HAProxy().render([route], None).count("bind :8001") == 1
    made = HAProxy().service("haproxy", "/srv/p", [route], {"default": ()})
    assert [(port["host_ip"], port["published"]) for port in made["ports"]] == [
        ("0.0.0.0", "8001"),
        ("::", "8001"),
    ]


def test_two_services_on_one_port_keep_their_own_addresses() -> None:
    def web(name: str, address: str) -> dict[str, Any]:
        port = {"target": 80, "published": "8005", "host_ip": address, "protocol": "tcp"}
        return {name: {"build": {"context": "/srv/p"}, "ports": [port]}}

    document = {"services": {**web("a", "127.0.0.1"), **web("b", "127.0.0.2"), **web("c", "127.0.0.3")}}
    document["services"]["c"]["ports"][0]["published"] = 8006
    hows = registry.chosen(parse_services(document, {}), settings())
    assert {name: how.name for name, how in hows.items()} == {
        "a": "ingress",
        "b": "ingress",
        "c": "ingress",
    }


def test_what_has_its_ports_itself_does_not_go_behind_an_ingress_that_runs_for_others() -> None:
    port = {"target": 80, "published": "8005", "protocol": "tcp"}
    found = parse_services({"services": {"a": {"build": {"context": "/srv/p"}, "ports": [port]}}}, {})
    other = ServiceRecord("p-b:r1", "", "d", strategy="ingress", proxies=("b_80",))
    before = {"a": ServiceRecord("p-a:r1", "", "d"), "b": other}
    assert registry.chosen(found, minimal(), before)["a"].name == "stop-first"
    assert registry.chosen(found, minimal(rollout={"ingress": ["a"]}), before)["a"].name == "ingress"
    # Where there is no ingress yet, the first one takes them over.
    assert registry.chosen(found, minimal(), {"a": before["a"]})["a"].name == "ingress"


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_a_section_that_says_nothing_is_none(nothing: Any) -> None:
    keys = ("ports", "volumes", "networks", "depends_on", "configs", "secrets", "deploy", "build")
    document = {"services": {"a": dict.fromkeys(keys, nothing if nothing != [] else None), "b": None}}
    document |= dict.fromkeys(("configs", "secrets", "networks", "volumes"), nothing)
    assert [service.replicas for service in parse_services(document, {})] == [1, 1]
    assert parse_services({"services": None}, {}) == ()


def test_who_asks_to_be_restarted_with_what_it_needs_is_known() -> None:
    needs = {"app": {"condition": "service_healthy", "restart": True}, "db": {"condition": "service_started"}}
    (web,) = parse_services({"services": {"web": {"image": "nginx", "depends_on": needs}}}, {})
    assert (web.needs, web.restarts_with) == (("app", "db"), ("app",))


def test_the_overlay_takes_ports_and_gives_the_ingress_theirs(tmp_path: Path) -> None:
    programs = path(program(tmp_path / "bin", "docker", f'shift; exec {BINARY} "$@"').parent)
    compose = Compose(Docker(), "p", str(tmp_path))
    (tmp_path / "compose.yaml").write_text((RECORDED / "ways.yaml").read_text())
    found = parse_resolved(bash(compose.resolve(str(tmp_path / "r")), tmp_path, PATH=programs).stdout)
    dual = next(service for service in found if service.name == "dual")
    assert dual.definition
    (route,) = routes([dual], ())
    gate = HAProxy().service("haproxy", "/srv/p", [route], dict.fromkeys(dual.networks, ()))
    record = ServiceRecord("p-dual:r", "", "d", "w", 1, "ingress", (route.proxy,))
    pinned = bash(
        compose.pin(str(tmp_path / "r"), plan.overlay({"dual": record}, ReleaseId("r"), gate)),
        tmp_path,
        PATH=programs,
    )
    assert pinned.ok, pinned.stderr
    words = [str(BINARY), "-p", "p", "-f", str(tmp_path / "r/compose.yaml"), "config", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    after = {service.name: service for service in parse_services(json.loads(done.stdout), {})}
    assert after["dual"].ports == ()
    assert {port.address for port in after[INGRESS].ports} == {"0.0.0.0", "::"}


ENGINES = ("20.10.24", "26.1.5", "28.5.2", "28.5.2-containerd")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_container_is_read_whatever_engine_runs_it_and_whatever_its_labels_hold(engine: str) -> None:
    text = recorded(f"engine-{engine}.jsonl")
    assert "next\x85line" in text, "a line's end to Python, and none to Docker"
    (box,) = parse_containers(text)
    assert (box.service, box.release, box.definition, box.written) == ("web", "r1", "d1", "h1")
    assert (box.status, box.image_name) == ("running", "debian:bookworm-slim")
