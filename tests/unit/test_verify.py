"""Verification: how answers are judged, once and over a while."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, result
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, path, program, quickly, recorded, settings

from schedgen_ops.commands.docker import Docker, parse_containers
from schedgen_ops.errors import CommandTimedOut, OpsError
from schedgen_ops.settings import Check, Limits
from schedgen_ops.verify import commands, plan, run
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


# The account

LIMITS = Limits()


def account(*rounds: bool, duration: int = 600, interval: int = 10) -> Tally:
    tally = Tally(duration=duration, interval=interval)
    for good in rounds:
        tally = tally.add([GOOD if good else BAD])
    return tally


def test_the_progress_line_is_the_runbooks() -> None:
    assert account(True, False, True).line() == (
        "Progress: 30s / 600s | Checks: 3 | Failures: 1 (33.33%) | Consecutive: 0 | Remaining: 570s"
    )


def test_three_failures_in_a_row_are_too_many_even_if_it_went_well_afterwards() -> None:
    rounds = [True] * 50 + [False] * 3 + [True] * 50
    assert account(*rounds).verdict(LIMITS) == "3 consecutive checks failed (limit 3)"
    assert account(*[True] * 50, False, False, *[True] * 50).verdict(LIMITS) == ""


def test_more_errors_than_the_limit_are_too_many_and_as_many_are_not() -> None:
    assert account(False, *[True] * 9).verdict(LIMITS) == ""
    text = account(False, *[True] * 8).verdict(LIMITS)
    assert text == "Error rate (11.11%) exceeded threshold (10.00%)"


@quickly
@given(st.lists(st.booleans(), max_size=80), st.integers(1, 900), st.integers(1, 60))
def test_the_account_adds_up(rounds: list[bool], duration: int, interval: int) -> None:
    tally = account(*rounds, duration=duration, interval=interval)
    assert tally.checks == len(rounds)
    assert tally.failures == rounds.count(False)
    assert 0 <= tally.elapsed <= duration
    assert tally.consecutive <= tally.worst <= tally.failures
    assert 0 <= tally.percent <= 100
    if all(rounds):
        assert tally.verdict(LIMITS) == ""
    assert 1 <= tally.rounds <= max(1, duration)


# The scripts that run on the host


def docker(tmp_path: Path, started: str, events: str) -> Path:
    body = f"""
case $1 in
  inspect) shift 3; for id in "$@"; do echo "{started}"; done ;;
  events) echo "$@" > "{tmp_path}/asked"; {events} ;;
esac"""
    return program(tmp_path / "bin", "docker", body).parent


def settle(tmp_path: Path, events: str, seconds: int = 5) -> str:
    programs = docker(tmp_path, "2025-01-15T12:00:00.5Z", events)
    answer = bash(commands.settle(Docker(), ["id1", "id2"], seconds), tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    return answer.stdout


def test_the_wait_ends_when_the_youngest_container_is_old_enough(tmp_path: Path) -> None:
    assert settle(tmp_path, "true") == ""
    asked = (tmp_path / "asked").read_text()
    assert "--since 2025-01-15T12:00:00.5Z --until 1736942405" in asked
    assert "--filter event=die --filter=container=id1 --filter=container=id2" in asked


def test_the_wait_ends_at_once_when_a_container_dies(tmp_path: Path) -> None:
    began = time.monotonic()
    assert settle(tmp_path, "echo schedgen-backend-1 1; exec sleep 20") == "schedgen-backend-1 1\n"
    assert time.monotonic() - began < 10


def test_a_container_that_is_gone_already_is_an_error(tmp_path: Path) -> None:
    gone = program(tmp_path / "bin", "docker", "echo no such container >&2; exit 1")
    assert not bash(commands.settle(Docker(), ["id1"], 5), tmp_path, PATH=path(gone.parent)).ok


CURL = """
case ${*: -1} in
  *bad) echo refused >&2; printf '\\n000 0.2' ;;
  *) printf '\\n200 0.1' ;;
esac"""


def test_watching_asks_every_url_in_every_round_and_prints_a_line_a_round(tmp_path: Path) -> None:
    program(tmp_path / "bin", "sleep", f'echo "$1" >> "{tmp_path}/slept"')
    programs = program(tmp_path / "bin", "curl", CURL).parent
    checks = [Check(name="a", url="http://localhost/a?b=c"), Check(name="b", url="http://localhost/bad")]
    answer = bash(commands.watch(checks, 3, 60, 10), tmp_path, PATH=path(programs))
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    found = [plan.answers(checks, [result(part) for part in line]) for line in lines]
    assert [[finding.verdict for finding in row] for row in found] == [[Verdict.PASSED, Verdict.FAILED]] * 3
    assert found[0][1].text == "refused"
    # Only between rounds, and each pause ends when its round does, however long the requests took.
    pauses = [int(pause) for pause in (tmp_path / "slept").read_text().split()]
    assert len(pauses) == 2
    assert 50 < pauses[0] <= 60 < pauses[1] <= 120
