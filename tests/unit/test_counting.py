"""A number of containers that somebody chose by hand is kept where the compose file says none, and told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from kit import minimal
from planning import box, release

from schedgen_ops.commands.compose import parse_services
from schedgen_ops.commands.docker import Container
from schedgen_ops.deploy.forecast import forecast
from schedgen_ops.deploy.images import describe
from schedgen_ops.orchestrators import chosen
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State, from_json, to_json
from schedgen_ops.rollout import counting, plan
from schedgen_ops.rollout.operations import Bring
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.versions import Version

BUILT = {"build": {"context": "/srv/blog/worker"}}
SERVING = release("r1")


def many(count: int, of: str = "r1", image: str = "r1", **facts: str) -> list[Container]:
    return [box("worker", of, image, number, **facts) for number in range(count)]


def described(body: dict[str, Any], boxes: list[Container], known: Release | None = None) -> ServiceRecord:
    config = minimal()
    services = parse_services({"services": {"worker": body}}, {"worker": "same"})
    return describe(config, config.hosts[0], services, ReleaseId("r2"), known, {}, boxes)["worker"]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (BUILT, (3, False)),
        ({**BUILT, "deploy": {"replicas": 1}}, (1, True)),
        ({**BUILT, "scale": 2}, (2, True)),
    ],
)
def test_a_number_is_kept_only_where_the_file_says_none(body: dict[str, Any], kept: tuple[int, bool]) -> None:
    record = described(body, many(3), SERVING)
    assert (record.replicas, record.counted) == kept
    # Before the first deploy all there are is their owner's.
    record = described(body, many(3, of=""))
    assert (record.replicas, record.counted) == kept


def test_nothing_that_runs_is_one_container() -> None:
    assert described(BUILT, []).replicas == 1


def test_what_a_killed_deploy_left_beside_does_not_count() -> None:
    left = [*many(3), *many(3, of="r2", image="r2")]
    assert counting.running(left, SERVING) == {"worker": 3}
    # One that is unwell for a moment is one of them; those that ended by themselves are not.
    some = [*many(2), box("worker", "r1", "r1", 7, status="restarting"), *many(1, status="exited")]
    assert counting.running(some, SERVING) == {"worker": 3}
    assert counting.running(many(2, status="exited"), SERVING) == {"worker": 2}


def test_the_way_back_has_as_many_too() -> None:
    free = replace(SERVING.services["worker"], counted=False)
    new = replace(release("r2"), services={**release("r2").services, "worker": replace(free, replicas=3)})
    # The record of what serves is of before it was scaled, or of before it was noted that no file says so.
    for before in (SERVING, replace(SERVING, services={**SERVING.services, "worker": free})):
        back = counting.kept(before, many(3), [new])
        assert (back.services["worker"].replicas, back.services["worker"].counted) == (3, False)
        assert back.services["web"] == before.services["web"]
        # A run that was cut off in the middle had counted them.
        assert counting.kept(before, many(1), [new]).services["worker"].replicas == 3
    fewer = replace(free, replicas=3)
    before = replace(SERVING, services={"worker": fewer})
    assert counting.kept(before, many(1)).services["worker"].replicas == 1
    assert counting.kept(before, []).services["worker"].replicas == 3
    assert counting.kept(SERVING, many(3)) == SERVING


def test_a_release_is_defined_with_the_number_that_it_keeps() -> None:
    free = ServiceRecord("blog-worker:r2", "", "d", replicas=3, counted=False)
    text = plan.overlay({"worker": free, "web": replace(free, counted=True)}, ReleaseId("r2"))
    body = json.loads(text)["services"]
    assert (body["worker"]["scale"], "scale" in body["web"]) == (3, False)
    again = plan.relabelled(text, ReleaseId("r3"), {"worker": replace(free, replicas=5)})
    assert json.loads(again)["services"]["worker"]["scale"] == 5
    fewer = plan.relabelled(text, ReleaseId("r3"), {"worker": replace(free, replicas=1)})
    assert "scale" not in json.loads(fewer)["services"]["worker"]


def test_compose_is_told_the_number_also_by_an_older_definition() -> None:
    config = minimal()
    record = ServiceRecord("blog-worker:r1", "", "d", replicas=3, counted=False)
    change = ServiceChange("worker", Action.REPLACE, "put back")
    commands = OperationRenderer(chosen(config), config)
    asked = dict(commands(Bring(Version("worker", ReleaseId("r1"), record), None, change)).values)
    assert asked["scale"] == ("--scale", "worker=3")
    said = replace(record, counted=True)
    asked = dict(commands(Bring(Version("worker", ReleaseId("r1"), said), None, change)).values)
    assert asked["scale"] == ()


def test_the_plan_tells_the_number_that_is_kept() -> None:
    config, body = minimal(), {"worker": BUILT}
    services = parse_services({"services": body}, {"worker": "same"})
    changed = ["worker/app.js"]
    found = forecast(config, config.hosts[0], services, many(3, of=""), None, "a" * 40, changed)
    assert [row[3] for row in found.rows] == ["start-first, no gap; 3 containers, as they run"]
    assert "beside what runs, 3 containers: its image" in "\n".join(line for _, line in found.lines())
    same = forecast(config, config.hosts[0], services, many(3, of=""), None, "a" * 40, [])
    assert same.rows == (("worker", "keep", "unchanged", "3 containers, as they run"),)


def test_the_plan_tells_what_is_made_anew_for_its_ports_alone() -> None:
    port = {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}
    config, body = minimal(), {"worker": {**BUILT, "ports": [port]}}
    services = parse_services({"services": body}, {"worker": "same"})
    found = forecast(config, config.hosts[0], services, many(1, of=""), None, "a" * 40, [])
    (row,) = found.rows
    assert row[1:3] == ("keep", "unchanged; made anew once, since the ingress takes its ports")


def test_a_record_of_before_reads_as_one_whose_file_says_the_number() -> None:
    known = Release(
        ReleaseId("r1"), "main", "a" * 40, State.DONE, services={"web": ServiceRecord("i", "", "")}
    )
    assert from_json(to_json(known).replace('"counted":true,', "")).services["web"].counted


def test_the_two_kinds_of_a_hand_over_that_was_cut_off_are_counted_once() -> None:
    boxes = [box("web", "", "r1"), box("web", "r1", "r1", 2)]
    assert counting.running(boxes, SERVING)["web"] == 1
