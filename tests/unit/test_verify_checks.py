"""Verification: how answers are judged, and what is asked of a host."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import FakeHost, context, result
from kit import recorded, settings

from schedgen_ops.commands.docker import parse_containers
from schedgen_ops.commands.http import HttpAnswer
from schedgen_ops.errors import OpsError
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Check
from schedgen_ops.verify import run
from schedgen_ops.watch import rules
from schedgen_ops.watch.rules import CheckVerdict, Finding

ONE = settings("app1")
WEB = Check(name="web", url="http://localhost:3000/", within=1.0)
GOOD, BAD = Finding("web", CheckVerdict.PASSED, "200"), Finding("web", CheckVerdict.FAILED, "answered 500")
UNKNOWN = Finding("web", CheckVerdict.UNKNOWN, "could not be asked")
BOXES = recorded("containers.jsonl")


def judged(answer: HttpAnswer | None, **expectations: Any) -> Finding:
    return rules.answered([WEB.model_copy(update=expectations)], [answer])[0]


@pytest.mark.parametrize(
    ("answer", "verdict", "text"),
    [
        (HttpAnswer(200, 0.012), CheckVerdict.PASSED, "200 in 12 ms"),
        (HttpAnswer(302, 0.5), CheckVerdict.PASSED, "302 in 500 ms"),
        (HttpAnswer(399, 1.0), CheckVerdict.PASSED, "399 in 1000 ms"),
        (HttpAnswer(400, 0.1), CheckVerdict.FAILED, "answered 400"),
        (HttpAnswer(500, 0.1), CheckVerdict.FAILED, "answered 500"),
        (HttpAnswer(101, 0.1), CheckVerdict.FAILED, "answered 101"),
        (HttpAnswer(200, 1.01), CheckVerdict.FAILED, "took 1.01 s, longer than 1 s"),
        (HttpAnswer(0, 0.1, "refused"), CheckVerdict.FAILED, "refused"),
        (HttpAnswer(0, 10), CheckVerdict.FAILED, "no answer"),
        (None, CheckVerdict.UNKNOWN, "could not be asked"),
    ],
)
def test_an_answer_is_judged(answer: HttpAnswer | None, verdict: CheckVerdict, text: str) -> None:
    found = judged(answer)
    assert (found.verdict, found.text) == (verdict, text)
    assert found.check == "web http://localhost:3000/"


def test_a_status_that_is_asked_for_is_the_only_good_one() -> None:
    assert judged(HttpAnswer(404, 0.1), status=404).verdict is CheckVerdict.PASSED
    assert judged(HttpAnswer(200, 0.1), status=404).text == "answered 200, not 404"


def test_what_could_not_be_asked_is_not_passed() -> None:
    assert rules.failed([GOOD, UNKNOWN, BAD]) == (UNKNOWN, BAD)


def test_a_request_is_given_up_well_after_what_any_check_is_held_to() -> None:
    assert rules.patience([WEB]) == 10
    assert rules.patience([WEB, Check(name="slow", url="http://localhost/", within=30)]) == 60


def test_each_service_is_found_running() -> None:
    found = rules.containers(parse_containers(BOXES), ONE, ONE.hosts[0])
    assert {finding.check for finding in found} == {f"service {name}" for name in ONE.services}
    assert rules.failed(found) == ()


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
    assert [found.text for found in rules.failed(rules.containers(boxes, ONE, ONE.hosts[0]))] == [text]


def test_a_service_without_a_container_fails() -> None:
    (found,) = rules.containers(
        [], settings({"name": "a", "address": "a", "services": ["postgres"]}, *_rest()), _only()
    )
    assert (found.check, found.text) == ("service postgres", "has no container")


def _only() -> Any:
    return settings({"name": "a", "address": "a", "services": ["postgres"]}, *_rest()).hosts[0]


def _rest() -> tuple[dict[str, str]]:
    return ({"name": "b", "address": "b"},)


# On a host


def reply(body: str = "<html>ok", status: int = 200, seconds: float = 0.1) -> str:
    return f"HTTP/1.1 {status} X\r\nServer: x\r\n\r\n{body}\n\x1e{seconds * 1e6:.0f} \n"


METRICS = reply("# TYPE up gauge\nup 1\n")


def host(*pages: Any, boxes: Any = BOXES, **more: Any) -> FakeHost:
    answers = {"docker inspect": boxes, "GET http://localhost:3001/metrics": METRICS, _is_get: list(pages)}
    return FakeHost(answers={**answers, **more})


def _is_get(command: object) -> bool:
    return str(command).startswith("GET ")


def test_one_round_asks_for_every_container_and_every_url() -> None:
    found = run.quick(context(host(reply()), ONE))
    assert len(found) == len(ONE.services) + len(ONE.checks)
    assert rules.failed(found) == ()


def test_a_docker_that_does_not_answer_is_unknown_and_not_passed() -> None:
    found = run.quick(context(host(reply(), boxes=result(stderr="no daemon", code=1)), ONE))
    (unknown,) = rules.failed(found)
    assert (unknown.check, unknown.verdict) == ("services", CheckVerdict.UNKNOWN)
    assert unknown.text == "could not be looked at: no daemon"


def test_a_single_bad_answer_is_asked_again_and_three_are_a_verdict() -> None:
    bad = reply(status=500)
    assert rules.failed(run.patiently(context(host(bad, *[reply()] * 4), ONE))) == ()
    sick = host(bad)
    assert len(rules.failed(run.patiently(context(sick, ONE)))) == 3
    assert sick.texts.count(sick.texts[0]) == 3


def test_nothing_replaced_is_nothing_to_wait_for() -> None:
    untouched = FakeHost()
    run.settled(context(untouched, ONE), ())
    assert untouched.commands == []


def test_a_container_that_dies_is_named_with_the_end_of_its_log() -> None:
    boxes = parse_containers(BOXES)[:2]
    answers = {
        "wait for the containers to settle": "schedgen-backend-1 1\n",
        lambda command: "logs --tail 200 schedgen-backend-1" in command.text: "ready\nError: out of luck\n",
    }
    with pytest.raises(OpsError) as caught:
        run.settled(context(FakeHost(answers=answers), ONE), boxes)
    assert caught.value.message == "schedgen-backend-1 was healthy and then ended with exit code 1"
    assert caught.value.detail == "ready\nError: out of luck"


def test_what_a_release_logged_is_kept_and_a_host_that_cannot_stops_nothing() -> None:
    fake = FakeHost(answers={"keep the log's patterns": ["", 1]})
    run.keep_logs(context(fake, ONE), ReleaseId("r1"))
    run.keep_logs(context(fake, ONE), ReleaseId("r1"))
    assert len(fake.commands) == 2
