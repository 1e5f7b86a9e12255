"""The ingress: which ports it has, where they lead, and how it enters a release's compose file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.proxy import haproxy
from schedgen_ops.proxy.routes import Asked, Route, published, routes
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import plan
from schedgen_ops.settings import Check, Ingress

PROXY = haproxy.HAProxy()
BACKEND = Service("backend", "", "/srv/p/backend", (), (Port(3001, 3001),), 1, "b")
FRONTEND = Service(
    "front-end", "", "/srv/p/front", (), (Port(80, 3000), Port(8080, 3000, "127.0.0.1")), 2, "f"
)
CHECKS = [
    Check(name="health", url="http://localhost:3001/health", within=1.0),
    Check(name="metrics", url="http://localhost:3001/metrics", within=1.0),
    Check(name="page", url="http://localhost", within=1.0),
]
ROUTES = routes([BACKEND, FRONTEND], CHECKS)


def test_every_published_port_has_a_route_and_the_first_check_of_a_port_is_its_health() -> None:
    assert (
        _route("backend", Port(3001, 3001), Asked("/health", host="localhost:3001")),
        _route("front-end", Port(80, 3000), Asked("/")),
        _route("front-end", Port(8080, 3000, "127.0.0.1")),
    ) == ROUTES
    assert [route.proxy for route in ROUTES] == ["backend_3001", "front-end_80", "front-end_8080"]


@pytest.mark.parametrize("url", ["https://localhost:3001/health", "http://localhost:9/health"])
def test_a_check_of_something_else_is_nobodys_health(url: str) -> None:
    assert routes([BACKEND], [Check(name="other", url=url, within=1.0)])[0].asked is None


def _route(service: str, port: Port, asked: Asked | None = None) -> Route:
    return Route(service, port, asked, listen=port.published, found_as=service)


# Ports that several services have, or one on several addresses

SHOP = Service("shop", "", "/srv/p/shop", (), (Port(8118, 8000, "127.0.0.1"),), 1, "s")
ADMIN = Service("admin", "", "/srv/p/admin", (), (Port(8118, 9000, "127.0.0.2"),), 1, "a")


def test_two_services_on_one_port_of_two_addresses_have_a_listener_each() -> None:
    found = routes([SHOP, ADMIN], [])
    assert len({route.listen for route in found}) == len({route.proxy for route in found}) == 2
    text = sections(PROXY.render(found, made()))
    for route in found:
        assert f"bind :{route.listen}" in text[f"frontend {route.proxy}"]
        assert (
            f"server-template s {haproxy.SLOTS} {route.service}:{route.port.target}"
            in (text[f"backend {route.proxy}"])
        )
    ports = {(port["host_ip"], port["published"]): port["target"] for port in published(found)}
    assert ports == {(route.port.address, "8118"): route.listen for route in found}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([80, 443, 10443, 65000]), st.sampled_from("123")),
        unique=True,
    )
)
def test_no_two_routes_listen_alike_and_no_port_is_lost(wanted: list[tuple[str, int, str]]) -> None:
    having = {
        name: tuple(Port(port, 8000, f"127.0.0.{end}") for who, port, end in wanted if who == name)
        for name in "abc"
    }
    found = routes([Service(name, "", "/srv/p", (), ports, 1, "x") for name, ports in having.items()], [])
    assert len({route.listen for route in found}) == len(found)
    assert {route.listen for route in found} >= {port for _, port, _ in wanted}
    led = {(route.service, route.port.published, address) for route in found for address in route.addresses}
    assert led == {(who, port, f"127.0.0.{end}") for who, port, end in wanted}


@pytest.mark.parametrize(
    ("check", "asked"),
    [
        (Check(name="x", url="http://127.0.0.2:8118/x"), ["", "/x"]),
        (Check(name="x", url="http://localhost:8118/x", service="shop"), ["/x", ""]),
        # It may be either of them.
        (Check(name="x", url="http://localhost:8118/x"), ["", ""]),
    ],
)
def test_a_check_of_a_port_that_two_services_have_is_that_of_one(check: Check, asked: list[str]) -> None:
    found = routes([SHOP, ADMIN], [check])
    assert [route.asked.path if route.asked else "" for route in found] == asked


# What is no HTTP


def test_what_is_no_http_passes_as_it_comes_and_is_asked_over_tls_where_its_check_is() -> None:
    check = Check(name="api", url="https://shop.internal:3001/health?x=1", status=401)
    (route,) = routes([BACKEND], [check], raw=["backend_3001"])
    text = sections(PROXY.render([route], made()))
    front, back = text["frontend backend_3001"], text["backend backend_3001"]
    assert "mode tcp" in front
    assert "mode tcp" in back
    assert not [line for line in (*front, *back) if line.startswith(("http-request", "http-response"))]
    asked = "uri '/health?x=1' ver HTTP/1.1 hdr Host 'shop.internal:3001' hdr Connection close"
    assert f"http-check send meth GET {asked}" in back
    # Both the pause between two checks and what a handshake may take.
    assert "default-server check-ssl verify none check-sni 'shop.internal' inter 2s" in back
    (plain,) = routes([BACKEND], CHECKS, raw=["backend_3001"])
    assert "option httpchk" not in PROXY.render([plain], made())


def test_where_a_network_has_ipv6_its_visitors_are_heard_too() -> None:
    (route,) = routes([replace(BACKEND, ipv6=True)], CHECKS)
    front = sections(PROXY.render([route], made()))["frontend backend_3001"]
    assert {"bind :3001", "bind :::3001 v6only"} <= {*front}


# The names under which containers are found


def test_containers_are_found_by_a_name_that_is_the_projects_own() -> None:
    (route,) = routes([BACKEND], CHECKS, {"backend": "schedgen-p-backend"})
    back = sections(PROXY.render([route], made()))["backend backend_3001"]
    assert f"server-template s {haproxy.SLOTS} schedgen-p-backend:3001" in back
    assert route.proxy == "backend_3001"


@given(
    st.text(st.sampled_from("abc-_.XY"), min_size=1, max_size=80), st.text("ab1_-", min_size=1, max_size=63)
)
def test_a_name_of_ours_is_a_label_that_only_this_service_has(service: str, project: str) -> None:
    name = plan.alias(project, service)
    assert len(name) <= 63
    assert name == name.lower()
    assert name != plan.alias(project, service + "x")
    assert name != plan.alias(project + "x", service)


def sections(text: str) -> dict[str, list[str]]:
    """A haproxy.cfg as its sections and their lines."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if re.match(r"[a-z]", line):
            lines = found.setdefault(line, [])
        elif line.strip() and not line.lstrip().startswith("#"):
            lines.append(line.strip())
    return found


def test_each_route_has_a_frontend_on_its_port_that_leads_to_its_service() -> None:
    found = sections(PROXY.render(ROUTES, made()))
    for route in ROUTES:
        front, back = found[f"frontend {route.proxy}"], found[f"backend {route.proxy}"]
        assert f"bind :{route.port.published}" in front
        assert f"default_backend {route.proxy}" in front
        assert f"server-template s {haproxy.SLOTS} {route.service}:{route.port.target}" in back
        asked = [line for line in back if line.startswith("http-check send")]
        path = route.asked.path if route.asked else None
        assert [f"uri '{path}'" in line for line in asked] == ([True] if path else [])


def test_a_container_is_asked_as_the_configured_check_asks() -> None:
    url = "http://shop.internal:3001/private?x=1&y='2'"
    (route,) = routes([BACKEND], [Check(name="api", url=url, status=401)])
    back = sections(PROXY.render([route], made()))["backend backend_3001"]
    asked = "uri '/private?x=1&y=%272%27' ver HTTP/1.1 hdr Host 'shop.internal:3001' hdr Connection close"
    assert f"http-check send meth GET {asked}" in back
    assert "http-check expect status 401" in back


def test_what_it_allows_is_what_the_config_says() -> None:
    limits = Ingress(header_kb=100, connections=5000, request_timeout=7, connect_timeout=3, idle_timeout=90)
    found = sections(PROXY.render(ROUTES, made(), limits))
    assert {"tune.bufsize 106496", "maxconn 5000"} <= {*found["global"]}
    wanted = {"timeout http-request 7s", "timeout connect 3s", "timeout client 90s", "timeout server 90s"}
    assert wanted <= {*found["defaults"]}
    assert not [line for line in sections(PROXY.render((), None))["global"] if "maxconn" in line]


def test_no_section_is_there_twice_and_each_has_its_lines() -> None:
    text = PROXY.render(ROUTES, made())
    heads = [line for line in text.splitlines() if re.match(r"[a-z]", line)]
    assert len(heads) == len(set(heads)) == 4 + 2 * len(ROUTES)
    assert all(sections(text).values())
    assert not re.search(r"[{}]{2}|\t", text)
    assert text.endswith("\n")


def test_what_may_not_be_asked_twice_is_not_asked_again() -> None:
    front = sections(PROXY.render(ROUTES, made()))["frontend backend_3001"]
    assert "http-request disable-l7-retry if !{ method GET HEAD OPTIONS }" in front


def test_without_a_route_there_is_no_frontend() -> None:
    assert "frontend" not in PROXY.render((), None)


def made() -> Any:
    return PROXY.service("haproxy:lts", "/srv/it's/ingress", ROUTES, {"default": (), "back": ()})


def test_a_changed_container_is_a_changed_configuration() -> None:
    other = PROXY.service("haproxy:3", "/srv/it's/ingress", ROUTES, {"back": (), "default": ()})
    same = PROXY.render(ROUTES, made()).splitlines()
    changed = [line for line in PROXY.render(ROUTES, other).splitlines() if line not in same]
    assert len(changed) == 1
    assert changed[0].startswith("# Container ")


def test_the_ingress_publishes_what_the_services_did() -> None:
    published = [(port["published"], port["target"], port.get("host_ip")) for port in made()["ports"]]
    assert published == [("3001", 3001, None), ("80", 80, None), ("8080", 8080, "127.0.0.1")]


def test_the_ingress_reads_its_configuration_and_cannot_write_it() -> None:
    found = made()
    (mount,) = found["volumes"]
    assert (mount["source"], mount["read_only"]) == ("/srv/it's/ingress", True)
    assert found["command"][-1] == f"{mount['target']}/haproxy.cfg"
    assert found["image"] == "haproxy:lts"


def test_the_ingress_is_in_every_network_of_those_behind_it_once() -> None:
    assert list(made()["networks"]) == ["back", "default"]


# The overlay

BEHIND = ServiceRecord("p-backend:r2", "", "d1", proxies=("backend_3001",))
APART = ServiceRecord("p-worker:r2", "", "d2")
RECORDS = {"backend": BEHIND, "worker": APART}


class Reset:
    """What Compose's own tag says: take away what the owner's file has."""

    def __init__(self, value: object) -> None:
        self.value = value


class Loader(yaml.SafeLoader):
    """YAML as Compose reads it."""


def _reset(loader: Loader, node: yaml.Node) -> Reset:
    assert isinstance(node, yaml.SequenceNode)
    return Reset(loader.construct_sequence(node))


Loader.add_constructor("!reset", _reset)


def services(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(text, Loader)["services"]
    return found


def test_only_what_is_behind_the_ingress_gives_up_its_ports() -> None:
    found = services(plan.overlay(RECORDS, ReleaseId("r2"), made()))
    assert isinstance(found["backend"]["ports"], Reset)
    assert found["backend"]["ports"].value == []
    assert "ports" not in found["worker"]
    assert found[INGRESS] == made()


def test_without_an_ingress_nothing_gives_up_its_ports() -> None:
    text = plan.overlay(RECORDS, ReleaseId("r2"))
    assert "!reset" not in text
    assert json.loads(text)["services"].keys() == RECORDS.keys()


def test_the_ingress_has_no_label_of_the_release_so_that_it_stays() -> None:
    first, second = (services(plan.overlay(RECORDS, ReleaseId(name), made())) for name in ("r1", "r2"))
    assert first[INGRESS] == second[INGRESS]
    assert first["backend"]["labels"] != second["backend"]["labels"]


def test_a_rollback_takes_the_old_overlay_under_its_own_name() -> None:
    old = plan.overlay(RECORDS, ReleaseId("r1"), made())
    new = plan.relabelled(old, ReleaseId("r3"))
    expected = {name: replace(record, image=record.image) for name, record in RECORDS.items()}
    assert new == plan.overlay(expected, ReleaseId("r3"), made())
    assert "r1" not in new.replace("p-", "")


def test_the_ingress_is_no_service_that_was_left_behind() -> None:
    from test_rollout import BOX

    boxes = [replace(BOX, service=INGRESS), replace(BOX, service="gone")]
    assert plan.removed(boxes, {"web"}) == ("gone",)
