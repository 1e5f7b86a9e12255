"""Verification: how answers are judged, and what is asked of a host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import FakeHost, result
from kit import recorded, settings

from schedgen_ops.commands.docker import parse_containers
from schedgen_ops.errors import CommandTimedOut, OpsError
from schedgen_ops.settings import Check
from schedgen_ops.verify import plan, run
from schedgen_ops.verify.plan import Finding, Verdict
from schedgen_ops.verify.watch import Tally

ONE = settings("app1")
WEB = Check(name="web", url="http://localhost:3000/", within=1.0)
GOOD, BAD = Finding("web", Verdict.PASSED, "200"), Finding("web", Verdict.FAILED, "answered 500")
UNKNOWN = Finding("web", Verdict.UNKNOWN, "could not be asked")
BOXES = recorded("containers.jsonl")


def judged(stdout: str, stderr: str = "") -> Finding:
    return plan.answers([WEB], [result(stdout, stderr=stderr)])[0]


@pytest.mark.parametrize(
    ("stdout", "verdict", "text"),
    [
        ("200 0.012 \n", Verdict.PASSED, "200 in 12 ms"),
        ("302 0.5", Verdict.PASSED, "302 in 500 ms"),
        ("399 1.0", Verdict.PASSED, "399 in 1000 ms"),
        ("400 0.1", Verdict.FAILED, "answered 400"),
        ("500 0.1", Verdict.FAILED, "answered 500"),
        ("101 0.1", Verdict.FAILED, "answered 101"),
        ("200 1.01", Verdict.FAILED, "took 1.01 s, longer than 1 s"),
        ("000 0.1 curl: (7) Failed to connect", Verdict.FAILED, "curl: (7) Failed to connect"),
        ("000 10", Verdict.FAILED, "no answer"),
        ("", Verdict.UNKNOWN, "could not be asked: bash: gone"),
        ("hello", Verdict.UNKNOWN, "could not be asked: bash: gone"),
        ("200 soon", Verdict.UNKNOWN, "could not be asked: bash: gone"),
    ],
)
def test_an_answer_is_judged(stdout: str, verdict: Verdict, text: str) -> None:
    found = judged(stdout, "bash: gone")
    assert (found.verdict, found.text) == (verdict, text)
    assert found.check == "web http://localhost:3000/"


def test_what_could_not_be_asked_is_not_passed() -> None:
    assert plan.failed([GOOD, UNKNOWN, BAD]) == (UNKNOWN, BAD)


def test_a_request_is_given_up_well_after_what_any_check_is_held_to() -> None:
    assert plan.patience([WEB]) == 10
    assert plan.patience([WEB, Check(name="slow", url="http://localhost/", within=30)]) == 60
    assert plan.requests([WEB])[0].text.endswith("'GET http://localhost:3000/' http://localhost:3000/ 10")


def test_each_service_is_found_running() -> None:
    found = plan.containers(parse_containers(BOXES), ONE, ONE.hosts[0])
    assert {finding.check for finding in found} == {f"service {name}" for name in ONE.services}
    assert plan.failed(found) == ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"status": "exited", "health": "", "exit_code": 1}, "schedgen-backend-1 is exited (1)"),
        (
            {"status": "exited", "health": "", "exit_code": 137, "oom": True},
            "schedgen-backend-1 is exited (137, out of memory)",
        ),
        ({"health": "unhealthy"}, "schedgen-backend-1 is unhealthy"),
        ({"health": "starting"}, "schedgen-backend-1 is starting"),
        ({"status": "restarting", "health": ""}, "schedgen-backend-1 is restarting"),
    ],
)
def test_a_service_that_is_not_well_is_named_with_its_state(change: dict[str, Any], text: str) -> None:
    lines = [json.loads(line) for line in BOXES.splitlines()]
    changed = [line | change if line["name"] == "/schedgen-backend-1" else line for line in lines]
    boxes = parse_containers("\n".join(map(json.dumps, changed)))
    assert [found.text for found in plan.failed(plan.containers(boxes, ONE, ONE.hosts[0]))] == [text]


def test_a_service_without_a_container_fails() -> None:
    (found,) = plan.containers(
        [], settings({"name": "a", "address": "a", "services": ["postgres"]}, *_rest()), _only()
    )
    assert (found.check, found.text) == ("service postgres", "has no container")


def _only() -> Any:
    return settings({"name": "a", "address": "a", "services": ["postgres"]}, *_rest()).hosts[0]


def _rest() -> tuple[dict[str, str]]:
    return ({"name": "b", "address": "b"},)


# On a host


def host(*gets: Any, boxes: Any = BOXES, **more: Any) -> FakeHost:
    answers = {"docker inspect": boxes, _is_get: list(gets)}
    return FakeHost(answers={**answers, **more})


def _is_get(command: object) -> bool:
    return str(command).startswith("GET ")


def test_one_round_asks_for_every_container_and_every_url() -> None:
    found = run.quick(host("200 0.1"), ONE)
    assert len(found) == len(ONE.services) + len(ONE.checks)
    assert plan.failed(found) == ()


def test_a_docker_that_does_not_answer_is_an_error_and_no_failed_check() -> None:
    with pytest.raises(OpsError, match="Docker does not answer") as caught:
        run.quick(host("200 0.1", boxes=result(stderr="no daemon", code=1)), ONE)
    assert caught.value.detail == "no daemon"


def test_a_single_bad_answer_is_asked_again_and_three_are_a_verdict() -> None:
    well = ["200 0.1"] * 4
    assert plan.failed(run.patiently(host("500 0.1", *well), ONE)) == ()
    sick = host("500 0.1")
    assert len(plan.failed(run.patiently(sick, ONE))) == 4
    assert sick.texts.count(sick.texts[0]) == 3


def test_nothing_replaced_is_nothing_to_wait_for() -> None:
    untouched = FakeHost()
    run.settled(untouched, ONE, ())
    assert untouched.commands == []


def test_a_container_that_dies_is_named_with_the_end_of_its_log() -> None:
    boxes = parse_containers(BOXES)[:2]
    answers = {
        "wait for the containers to settle": "schedgen-backend-1 1\n",
        lambda command: "logs --tail 200 schedgen-backend-1" in command.text: "ready\nError: out of luck\n",
    }
    with pytest.raises(OpsError) as caught:
        run.settled(FakeHost(answers=answers), ONE, boxes)
    assert caught.value.message == "schedgen-backend-1 was healthy and then ended with exit code 1"
    assert caught.value.detail == "ready\nError: out of luck"


def test_watching_tells_after_every_round_and_gives_the_account() -> None:
    config = settings("app1", checks=[{"name": "web", "url": "http://localhost/"}])
    told: list[Tally] = []
    rounds = "200 0.1 \n500 0.1 \n200 0.1 \n"
    tally = run.extended(FakeHost(answers={"watch": rounds}), config, 30, told.append)
    assert [found.checks for found in told] == [1, 2, 3]
    assert (tally.checks, tally.failures, tally.consecutive, tally.worst) == (3, 1, 0, 1)
    assert tally.last[0].text == "answered 500"


def test_a_watch_that_breaks_off_is_an_error() -> None:
    with pytest.raises(CommandTimedOut):
        run.extended(FakeHost(answers={"watch": CommandTimedOut("late")}), ONE, 30, lambda tally: None)


def test_nothing_to_ask_is_an_error() -> None:
    with pytest.raises(OpsError, match="no checks are configured"):
        run.extended(FakeHost(), settings("app1", checks=[]), 30, lambda tally: None)
