"""A configuration that cannot work is told of before anything begins."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from kit import settings
from planning import box
from pydantic import ValidationError

from schedgen_ops.checklist.changes import Coming
from schedgen_ops.checklist.fitting import judged, problems
from schedgen_ops.commands.compose import parse_services
from schedgen_ops.commands.docker import INGRESS, Container
from schedgen_ops.preflight.probe import Problem

BUILD = {"build": {"context": "/srv/p"}}
PORT = {"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}
PLAIN: dict[str, Any] = {"database": None, "objects": None, "migrations": None, "checks": []}


def found(
    services: dict[str, Any],
    *,
    before: tuple[str, ...] = (),
    host: str = "app1",
    boxes: tuple[Container, ...] = (),
    **config: Any,
) -> list[Problem]:
    chosen = settings(host, **{**PLAIN, "tiers": [], **config})
    wanted = parse_services({"services": services}, {})
    return list(problems(chosen, chosen.hosts[0], wanted, before, boxes))


def test_a_service_that_the_compose_file_does_not_have_is_refused_with_what_was_meant() -> None:
    tiers = [{"name": "App", "services": ["web", "cahce"]}]
    (problem,) = found({"web": BUILD, "cache": {"image": "redis"}}, tiers=tiers)[:1]
    assert problem.text == "tier App: the new compose file has no service 'cahce'"
    assert (problem.hint, problem.refuses) == ("Did you mean 'cache'?", True)
    # Gone with this release, as in one from before it: that may be meant.
    (gone, *_) = found({"web": BUILD}, tiers=tiers, before=("web", "cahce"))
    assert not gone.refuses
    everywhere = found({"web": BUILD}, rollout={"stop_first": ["wbe"]}, tiers=[])
    assert [each.text for each in everywhere] == [
        "rollout.stop_first: the new compose file has no service 'wbe'"
    ]


def test_what_is_in_no_tier_is_told() -> None:
    tiers = [{"name": "App", "services": ["web"]}]
    (problem,) = found({"web": BUILD, "nginx": {"image": "nginx"}}, tiers=tiers)
    assert (problem.text, problem.refuses) == (
        "in no tier, so that no deploy starts or replaces it: nginx",
        False,
    )
    assert found({"web": BUILD, "nginx": {"image": "nginx"}}) == []


@pytest.mark.parametrize(
    ("listed", "service", "text"),
    [
        ("ingress", {**BUILD, **PORT, "container_name": "web"}, "it has a container_name"),
        ("start_first", {**BUILD, "container_name": "web"}, "it has a container_name"),
        ("start_first", {**BUILD, **PORT}, "it publishes ports"),
        ("ingress", {**BUILD, "network_mode": "host"}, "it is on the host's own network"),
        ("ingress", BUILD, "it publishes no port"),
        ("ingress", {**BUILD, "ports": [{"target": 443, "published": "443", "protocol": "udp"}]}, "TCP port"),
    ],
)
def test_what_two_containers_of_a_service_cannot_share_is_refused(
    listed: str, service: dict[str, Any], text: str
) -> None:
    (problem,) = found({"web": service}, rollout={listed: ["web"]})
    assert problem.text.startswith(f"rollout.{listed} has web: ")
    assert text in problem.text
    assert problem.refuses
    assert found({"web": service}, rollout={"stop_first": ["web"]}) == []


def test_ports_that_an_ingress_cannot_get_while_it_runs_are_told_of_before() -> None:
    listed, web = {"ingress": ["web"]}, {"web": {**BUILD, **PORT}}
    having, gate = replace(box("web", "r1", "r1"), published=1), box(INGRESS, "r1", "r1")
    (problem,) = found(web, boxes=(having, gate), rollout=listed)
    assert problem.refuses
    assert "rollout.ingress has web: its ports are its own" in problem.text
    # The first deploy hands them over; one that was cut off in the middle of that is ended; it is behind it.
    for boxes in ((having,), (having, replace(gate, status="created")), (replace(having, published=0), gate)):
        assert found(web, boxes=boxes, rollout=listed) == []
    assert found(web, boxes=(having, gate)) == []


def test_the_config_alone_is_told_of_what_it_says_twice() -> None:
    tiers = [{"name": "App", "services": ["web", "worker"]}]
    rollout = {"ingress": ["wbe"], "stop_first": ["web"], "start_first": ["web"]}
    with pytest.raises(ValidationError) as caught:
        settings("app1", **PLAIN, tiers=tiers, rollout=rollout)
    assert "rollout.start_first has 'web' already" in str(caught.value)
    assert "no tier names the service 'wbe'; did you mean 'web'?" in str(caught.value)


@pytest.mark.parametrize(("where", "refused"), [("laptop", True), ("hosts", False)])
def test_what_this_machine_could_not_build_is_refused_where_it_is_to(where: str, refused: bool) -> None:
    chosen = settings("app1", **{**PLAIN, "tiers": []}, directory="/srv/p", build={"where": where})
    services = {"web": BUILD, "lib": {"build": {"context": "/opt/lib"}}}
    coming = Coming("c" * 40, document=json.dumps({"services": services}))
    seen = [each for each in judged(chosen, chosen.hosts[0], coming, "") if isinstance(each, Problem)]
    texts = [each.text for each in seen if each.refuses]
    assert texts == (["lib is built from /opt/lib, which is not in the repository"] if refused else [])
    # A host that runs none of it is asked for none of it.
    row = {"name": "app1", "address": "app1", "services": ["web"]}
    other = settings(row, **{**PLAIN, "tiers": []}, directory="/srv/p", build={"where": where})
    assert not [
        each
        for each in judged(other, other.hosts[0], coming, "")
        if isinstance(each, Problem) and each.refuses
    ]
