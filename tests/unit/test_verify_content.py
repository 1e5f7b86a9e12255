"""What answers have to hold, and what the other checks make of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import result
from kit import bash, settings

from schedgen_ops.commands import http
from schedgen_ops.remote import Result
from schedgen_ops.settings import Check, Prometheus, Queue
from schedgen_ops.verify import checks, content
from schedgen_ops.watch.rules import CheckVerdict, Finding

URL = "http://localhost:3001/x"


def page(body: str = "", status: int = 200, seconds: float = 0.1, head: str = "Server: x") -> Result:
    return result(f"HTTP/1.1 {status} Fine\r\n{head}\r\n\r\n{body}\n\x1e{seconds * 1e6:.0f} \n")


def endpoint(answer: Result, **expectations: Any) -> Finding:
    return content.endpoint(Check(name="x", url=URL, **expectations), answer)


def said(finding: Finding) -> tuple[str, str]:
    return str(finding.verdict), finding.text


def test_a_status_alone_is_enough_where_no_content_is_asked_for() -> None:
    assert said(endpoint(page("anything"))) == ("passed", "200 in 100 ms")
    assert said(endpoint(page(status=503))) == ("failed", "answered 503")
    assert said(endpoint(page(status=404), status=404)) == ("passed", "404 in 100 ms")
    assert said(endpoint(page(seconds=1.5))) == ("failed", "took 1.50 s, longer than 1 s")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"status": "ok", "db": {"pool": 8}, "list": [{"a": true}]}', "200 in 100 ms"),
        ('{"status": "error", "db": {"pool": 8}}', 'status is "error", not "ok"'),
        ('{"status": "ok", "db": {"pool": 7}}', "db.pool is 7, not 8"),
        ('{"status": "ok"}', 'answered 200 without db.pool: \'{"status": "ok"}\''),
        ("<html>", "answered 200 with what is no JSON: '<html>'"),
    ],
)
def test_values_of_a_json_body_are_compared(body: str, text: str) -> None:
    assert endpoint(page(body), json_has={"status": "ok", "db.pool": 8}).text == text


def test_true_is_not_one() -> None:
    assert endpoint(page('{"a": 1}'), json_has={"a": True}).verdict is CheckVerdict.FAILED
    assert endpoint(page('{"a": [{"b": true}]}'), json_has={"a.0.b": True}).verdict is CheckVerdict.PASSED


def test_a_body_without_what_is_looked_for_fails_and_is_shown() -> None:
    assert endpoint(page("one\ntwo"), matches="^two$").verdict is CheckVerdict.PASSED
    assert endpoint(page("x" * 99), matches="y").text == f"answered 200 without 'y': '{'x' * 77}...'"


METRICS = """# HELP http_requests_total HTTP requests answered.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/a b",status="200"} 12
process_cpu_seconds_total 1.5e-05
up NaN
last{x="y"} +Inf 1395066363000
"""


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (METRICS, "200 in 100 ms"),
        ("# only a comment\n", "answered 200 without a metric"),
        ("", "answered 200 without a metric"),
        ("up 1\n<html>\n", "answered 200 with what is no metric: '<html>'"),
        ("up one\n", "answered 200 with what is no metric: 'up one'"),
    ],
)
def test_metrics_have_to_be_metrics(body: str, text: str) -> None:
    assert endpoint(page(body), metrics=True).text == text


def test_a_body_in_chunks_is_put_together() -> None:
    chunked = page("3\r\nup \r\n2\r\n1\n\r\n0\r\n\r\n", head="Transfer-Encoding: chunked")
    assert http.parse_reply(chunked.stdout).body.strip() == "up 1"
    assert endpoint(chunked, metrics=True).verdict is CheckVerdict.PASSED


@pytest.mark.parametrize(
    ("answer", "verdict", "text"),
    [
        (result("\n\x1e2000 no connection to a port 1\n"), "failed", "no connection to a port 1"),
        (result("\n\x1e2000 \n"), "failed", "no answer"),
        (result(stderr="did not end within 5 s", code=124), "failed", "no answer: did not end within 5 s"),
        (result(stderr="bash: gone", code=127), "unknown", "could not be asked: bash: gone"),
        (result(code=1), "unknown", "could not be asked: exit code 1"),
    ],
)
def test_no_answer_fails_and_no_question_is_unknown(answer: Result, verdict: str, text: str) -> None:
    assert said(endpoint(answer)) == (verdict, text)


@pytest.mark.parametrize(
    ("body", "most", "text"),
    [
        ({"queue": {"waiting": 3}, "jobs": {"failed": 0}}, {}, "queue.waiting 3, jobs.failed 0"),
        ({"queue": {"waiting": 3}}, {"queue.waiting": 2}, "queue.waiting is 3 (limit 2)"),
        ({"queue": {"waiting": 3}}, {"queue.lost": 2}, "the answer holds no number queue.lost"),
        ({"queue": None, "jobs": {"failed": 0}}, {}, "nothing is told of queue"),
        ({}, {}, "the answer holds no number"),
        ([], {}, "answered 200 without a JSON object: '[]'"),
    ],
)
def test_the_queue_tells_numbers(body: Any, most: dict[str, float], text: str) -> None:
    assert content.queue(Queue(url="http://localhost/", at_most=most), page(json.dumps(body))).text == text


SHOWN = """
> schedule-backend@1.0.0 migration:show
> typeorm migration:show -d src/data-source.js

 [X] 1 CreateJobs1712000000000
 [X] 2 CreateEvents1714500000000
"""


@pytest.mark.parametrize(
    ("answer", "verdict", "text"),
    [
        (result(SHOWN), "passed", "2 executed, none pending"),
        (
            result(SHOWN + " [ ] AddPageCount1717400000000\n [ ] More2\n"),
            "failed",
            "pending: AddPageCount1717400000000, More2",
        ),
        (result("No migrations found.\n"), "passed", "there are none"),
        (result("hello"), "unknown", "could not be looked at: hello"),
        (
            result(SHOWN, code=1, stderr="connect refused"),
            "unknown",
            "could not be looked at: connect refused",
        ),
    ],
)
def test_pending_migrations_are_named(answer: Result, verdict: str, text: str) -> None:
    asked = settings().migrations
    assert asked
    assert said(checks.migrations(asked, answer)) == (verdict, text)


def target(health: str, error: str = "") -> dict[str, Any]:
    return {"labels": {"job": "backend", "instance": "b:1"}, "health": health, "lastError": error}


def targets(*found: dict[str, Any]) -> list[tuple[str, str]]:
    answer = page(json.dumps({"status": "success", "data": {"activeTargets": found}}))
    return [said(finding) for finding in checks.prometheus(answer)]


def test_each_target_has_to_be_up() -> None:
    assert targets(target("up"), target("down", "refused"), target("unknown")) == [
        ("passed", "up"),
        ("failed", "down: refused"),
        ("unknown", "unknown"),
    ]
    assert targets() == [("failed", "Prometheus has no targets")]


def test_a_target_that_comes_up_late_is_waited_for(tmp_path: Path) -> None:
    command = checks.targets(Prometheus(url="http://localhost:1", patience=0))
    (found,) = checks.prometheus(bash(command, tmp_path))
    assert said(found) == ("failed", "no connection to localhost port 1")
