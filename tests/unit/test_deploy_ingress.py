"""Deploys behind the ingress: the ports change hands once, and nobody's request is lost on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from deploying import ADOPTED, FIRST, SECOND, deploy, deployed, failing, messages, untruths
from fakes import FakeHost, context
from kit import recorded, settings
from planning import release
from simulated import Fault, SimHost
from simulated_world import INGRESS_IMAGE, NEW, NEXT, PORTS, fresh

from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import ingress
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.events import Fact


def adoptions(host: SimHost) -> list[str]:
    return [name for name in host.world.changed if name.startswith("adopt")]


def test_the_ports_change_hands_once_and_the_gap_is_told() -> None:
    host = SimHost()
    outcome = deploy(host)
    assert adoptions(host) == ["adopt backend frontend"]
    assert "The published ports change hands once: backend, frontend" in messages(outcome)
    assert "The ingress has the ports now; they answered nobody for 0.85s" in messages(outcome)
    assert not host.world.unreachable
    assert not any(host.world.boxes[name].publishes for name in PORTS)
    again = SimHost(world=host.world)
    outcome = deploy(again, branch="v1.2.4", run=SECOND)
    assert adoptions(again) == []
    assert not [text for text in messages(outcome) if "change hands" in text]


def test_the_old_release_is_the_one_that_changes_hands() -> None:
    host = SimHost()
    deploy(host)
    changed = host.world.changed
    assert (
        changed.index("adopt backend frontend") < changed.index("up backend") < changed.index("end backend")
    )


def test_the_image_of_the_ingress_is_fetched_before_anything_changes_hands() -> None:
    host = SimHost()
    deploy(host)
    assert INGRESS_IMAGE in host.world.images
    pulled = next(n for n, name in enumerate(host.asked) if name.startswith("docker pull"))
    assert pulled < next(n for n, name in enumerate(host.asked) if name.startswith("replace "))
    again = SimHost(world=host.world)
    deploy(again, branch="v1.2.4", run=SECOND)
    assert not [name for name in again.asked if name.startswith("docker pull")]


def test_an_ingress_that_cannot_take_over_leaves_the_ports_to_the_services() -> None:
    before = replace(fresh(), stuck=True)
    host = SimHost(world=before)
    outcome = deploy(host)
    assert outcome.code == 4
    assert outcome.failed_step == "Ingress"
    assert "the ingress did not take the ports over: it does not reach the services" in str(outcome.error)
    assert untruths(host, before, outcome, ADOPTED, FIRST, NEW) == []
    assert not host.world.ingress
    assert all(host.world.boxes[name].publishes for name in PORTS)
    assert not [name for name in host.world.changed if name.startswith("up ")]


@pytest.mark.parametrize("service", ["backend", "frontend", "pdf-worker"])
def test_a_service_that_is_not_well_never_took_the_place_of_the_old_one(service: str) -> None:
    before = replace(deployed(), sick=(service,))
    host = SimHost(world=before)
    outcome = deploy(host, branch="v1.2.4", run=SECOND)
    # The worker is the same in every release: it is not touched, and so cannot fail.
    assert outcome.code == (0 if service == "pdf-worker" else 4)
    if outcome.code:
        assert host.world.boxes[service] == before.boxes[service]
        assert untruths(host, before, outcome, before.current, SECOND, NEXT) == []


def test_the_old_containers_stand_by_until_the_new_release_is_verified() -> None:
    host = SimHost(world=deployed())
    deploy(host, branch="v1.2.4", run=SECOND)
    ended = [
        number for number, name in enumerate(host.asked) if name in ("replace backend", "replace frontend")
    ]
    # What ran was asked before the deploy too.
    asked = [n for n, name in enumerate(host.asked) if name.startswith("GET ") and n > ended[0]]
    assert ended[1] < min(asked) <= max(asked) < ended[2]
    assert not host.world.standby


def test_what_visitors_noticed_is_told_and_kept() -> None:
    outcome = deploy(SimHost(world=deployed()), branch="v1.2.4", run=SECOND)
    assert "Zero downtime: 19 requests during the run, none failed" in messages(outcome)
    (fact,) = [event for event in outcome.events if isinstance(event, Fact) and event.name == "probe"]
    assert isinstance(fact.value, dict)
    assert (fact.value["requests"], fact.value["failed"], fact.value["gap"]) == (19, 0, 0.0)


def test_a_deploy_that_was_not_measured_claims_nothing() -> None:
    outcome = deploy(SimHost(world=replace(deployed(), probed="")), branch="v1.2.4", run=SECOND)
    assert outcome.code == 0
    assert "Not measured: no request was made" in messages(outcome, "warn")
    assert not [text for text in messages(outcome) if "Zero downtime" in text]


def test_a_failed_deploy_tells_what_visitors_noticed_too() -> None:
    lost = "1000000 0 200 0.01\n2000000 0 000 0.01\n3000000 0 200 0.01\n"
    outcome = deploy(
        SimHost(world=replace(deployed(), sick=("backend",), probed=lost)), branch="v1.2.4", run=SECOND
    )
    assert outcome.code == 4
    assert "1 of 3 requests failed during the run, the longest gap was 2.00s" in messages(outcome, "warn")


@pytest.mark.parametrize("command", ["cut off backend$", "replace backend$"])
def test_requests_that_the_old_containers_still_had_are_told_of(command: str) -> None:
    """A WebSocket, for example, that goes on for longer than the drain."""
    still = "requests to backend were still open after 30s"
    _, outcome = failing(command, Fault(0, said=f"moved\nsay {still}\n", after=True), last=True)
    assert outcome.code == 0
    assert still in messages(outcome, "warn")


def test_the_ingress_that_was_there_only_after_the_wait_goes_back() -> None:
    """Ctrl-C left the hand-over to itself: it ended well while it was waited for."""
    before, _, *_ = recorded("containers.jsonl").splitlines()
    gate = json.loads(before)
    gate["labels"]["com.docker.compose.service"] = INGRESS
    host = FakeHost(
        answers={
            "docker inspect": ["", json.dumps(gate)],
            "wait for schedgen-ingress": "",
            lambda command: command.script == "rollout/ingress": "changed\n",
            lambda _: True: "",
        }
    )
    seen: Any = SimpleNamespace(classic=False, containers=())
    ingress.bring_back(HostRun(context(host, settings()), seen, old=release("r1")))
    assert "rollout/ingress" in [command.script for command in host.commands]
