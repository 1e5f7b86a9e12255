"""Services of which two cannot be there at once, and those that have no container, by their compose file."""

from __future__ import annotations

from typing import Any

import pytest
from kit import minimal
from planning import box

from schedgen_ops.checklist.fitting import problems
from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.stores import holds
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout import plan, scope, state
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import Settings

PORT = {"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}
TIERS = [{"name": "All", "services": ["web"]}]
NETWORKS = {"front": {"link_local_ips": ["169.254.8.8"]}}


def known(services: dict[str, Any], declared: state.Volumes | None = None) -> dict[str, Service]:
    found = parse_services({"services": services}, {})
    return {each.name: each for each in state.judged(found, minimal(), declared or {}, ())}


def how(service: Service, **rollout: list[str]) -> str:
    return registry.chosen([service], minimal(tiers=TIERS, rollout=rollout))[service.name].name


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**PORT, "network_mode": "bridge"}, "stop-first"),
        ({**PORT, "network_mode": "lan"}, "stop-first"),
        ({"network_mode": "bridge"}, "start-first"),
        ({"network_mode": "none"}, "start-first"),
        ({"networks": NETWORKS}, "stop-first"),
        ({"volumes": [{"type": "bind", "source": "/dev", "target": "/dev"}]}, "stop-first"),
        ({"volumes": [{"type": "bind", "source": "/dev", "target": "/d", "read_only": True}]}, "start-first"),
        ({"volumes_from": ["container:legacy"]}, "stop-first"),
        ({"volumes_from": ["container:legacy:ro"]}, "start-first"),
    ],
)
def test_what_two_containers_cannot_share_is_stopped_first(body: dict[str, Any], expected: str) -> None:
    web = known({"web": {"image": "web:1", **body}})["web"]
    assert how(web) == expected
    if expected == "stop-first" and web.alone:
        assert how(web, ingress=["web"]) == how(web, start_first=["web"]) == "stop-first"


def test_no_network_is_said_of_a_service_that_is_on_none_of_the_projects() -> None:
    web = known({"web": {"image": "web:1", "network_mode": "bridge", **PORT}})["web"]
    assert web.networks == ()
    settings = minimal(rollout={"ingress": ["web"]})
    (problem,) = problems(settings, settings.hosts[0], [web])
    assert "no network where an ingress finds it" in problem.text


def test_who_uses_volumes_that_only_an_image_declares_is_stopped_first() -> None:
    services = {"data": {"image": "d"}, "web": {"image": "w", "volumes_from": ["data"]}}
    found = known(services, {"data": ("/var/lib/d",)})
    assert [how(each) for each in found.values()] == ["stop-first", "stop-first"]
    # Judged again, it is the same.
    again = state.judged(found.values(), minimal(), {"data": ("/var/lib/d",)}, ())
    assert {each.name: each for each in again} == found


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ({}, True),
        ({"disable": True}, True),
        ({"test": ["NONE"]}, True),
        ({"interval": "5s"}, False),
        ({"test": ["CMD", "true"]}, False),
    ],
)
def test_a_healthcheck_that_is_switched_off_makes_no_server(check: dict[str, Any], *, expected: bool) -> None:
    body = {"image": "w", "restart": "no", "healthcheck": check}
    assert known({"setup": body})["setup"].may_end == expected


@pytest.mark.parametrize("said", [{"scale": 0}, {"deploy": {"replicas": 0}}])
def test_what_is_to_have_no_container_is_left_so_and_taken_down(said: dict[str, Any]) -> None:
    web = known({"web": {"image": "w", **PORT, **said}})["web"]
    assert how(web) == how(web, ingress=["web"]) == how(web, start_first=["web"]) == "stop-first"
    records = {"web": ServiceRecord("i", "i", "same", replicas=web.replicas, strategy=how(web))}
    (nothing,) = plan.changes(["web"], records, [])
    assert not nothing.touches
    (down,) = plan.changes(["web"], records, [box("web", "r1", "i")])
    assert down.reason == "1 containers instead of 0"
    assert scope.lasting(records) == []


def test_a_job_of_which_there_is_to_be_none_is_not_run() -> None:
    waits = {"image": "w", "depends_on": {"setup": {"condition": "service_completed_successfully"}}}
    found = known({"setup": {"image": "s", "scale": 0}, "web": waits})
    assert (found["setup"].ends, how(found["setup"])) == (False, "stop-first")
    assert known({"setup": {"image": "s"}, "web": waits})["setup"].ends


def refusals(settings: Settings, services: dict[str, Any]) -> list[str]:
    found = parse_services({"services": services}, {})
    return [each.text for each in problems(settings, settings.hosts[0], found) if each.refuses]


def test_a_tier_that_names_what_has_no_container_is_refused() -> None:
    services = {"web": {"image": "w", "scale": 0}, "api": {"image": "w"}}
    assert refusals(minimal(tiers=TIERS), services) == [
        "tier All names web, of which the new compose file has no container"
    ]
    assert refusals(minimal(), services) == []


def test_what_a_provider_makes_is_refused_where_a_deploy_needs_it() -> None:
    services = {"db": {"provider": {"type": "cloud"}}, "web": {"image": "w", "depends_on": {"db": {}}}}
    text = "db is no container but what a `provider` makes, which no deploy asks"
    assert refusals(minimal(), services) == refusals(minimal(tiers=TIERS), services) == [text]
    services["web"] = {"image": "w"}
    assert refusals(minimal(tiers=TIERS), services) == []


def test_what_has_ended_and_is_no_job_for_certain_is_told_before_it_is_started_again() -> None:
    services = {"fill": {"image": "mc:1", "entrypoint": ["fill"]}, "web": {"image": "web:1"}}
    found, ended = parse_services({"services": services}, {}), box("fill", "", "i", status="exited")

    def told(*services: Service, **config: Any) -> list[str]:
        settings = minimal(**config)
        return [each.text for each in problems(settings, settings.hosts[0], services, (), [ended])]

    text = "fill has ended with exit code 0: a deploy starts it again, and fails if it ends again"
    assert told(*found) == [text]
    assert told(*found, rollout={"jobs": ["fill"]}) == []
    # That it is one was seen already.
    sure = parse_services({"services": {"fill": {"image": "mc:1", "restart": "no"}}}, {})
    assert told(*sure) == []


def test_servers_whose_images_hold_data_are_known_by_any_name_of_theirs() -> None:
    images = (
        "mcr.microsoft.com/mssql/server:2022",
        "confluentinc/cp-kafka:7",
        "reg:5000/emqx",
        "citus@sha256:0",
    )
    names = ("mssql/server", "cp-kafka", "emqx", "citus")
    assert [holds(image) for image in images] == [*names]
    assert holds("acme/server:1") == holds("server") == ""


def test_what_compose_takes_for_a_path_of_windows_is_no_path_of_the_project() -> None:
    volume = {"type": "bind", "source": "v:/data", "target": "ro"}
    found = parse_services({"services": {"web": {"image": "w", "volumes": [volume]}}}, {})
    assert plan.mounted(found, "/srv/blog") == ()
