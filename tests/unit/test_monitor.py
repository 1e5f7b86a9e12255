"""`inv monitor`: dashboards on local ports, and what Prometheus answers."""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fakes import FakeHost
from hypothesis import example, given
from hypothesis import strategies as st
from kit import settings

from schedgen_ops.monitor import open as opening
from schedgen_ops.monitor import query

BOARDS = [
    {"name": "grafana", "port": 3002, "path": "/d/1?orgId=1", "service": "grafana"},
    {"name": "prometheus", "port": 9090},
]


def nowhere(host: str, text: str) -> None:
    """For connections that are not made."""
    raise AssertionError(text)


def reply(body: object, status: int = 200) -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    return f"HTTP/1.1 {status} X\r\n\r\n{text}\n\x1e10000 \n"


def matrix(*values: str, **labels: str) -> dict[str, Any]:
    series = {"metric": labels, "values": [[n, value] for n, value in enumerate(values)]}
    return {"status": "success", "data": {"resultType": "matrix", "result": [series]}}


def test_each_dashboard_of_each_host_that_has_it_is_opened() -> None:
    hosts: list[dict[str, Any]] = [
        {"name": "app1", "address": "a"},
        {"name": "app2", "address": "b", "services": ["backend"]},
    ]
    chosen = settings(*hosts, dashboards=BOARDS)
    with ExitStack() as stack:
        found = list(opening.opened(stack, [FakeHost("app1"), FakeHost("app2")], chosen, nowhere))
    assert [(each.host, each.name) for each in found] == [
        ("app1", "grafana"),
        ("app1", "prometheus"),
        ("app2", "prometheus"),
    ]
    assert found[0].url.endswith("/d/1?orgId=1")


def test_a_question_is_asked_whole_whatever_stands_in_it() -> None:
    asked = 'sum(rate(x{a="b c",d!~"&\'$"}[5m])) by (le)'
    command = query.ask("http://localhost:9090/", asked, 1_000_000.0, 3600)
    address = next(word for word in command.title.split() if word.startswith("http"))
    given = parse_qs(urlsplit(address).query)
    assert given["query"] == [asked]
    steps = (int(given["end"][0]) - int(given["start"][0])) // int(given["step"][0]) + 1
    assert steps == query.POINTS


def test_series_have_their_labels_and_what_is_no_number_is_left_out() -> None:
    (series,) = query.parse(reply(matrix("1", "NaN", "3", __name__="up", job="api", instance="a:1")))
    assert series.labels == "up{instance=a:1, job=api}"
    assert series.known == (1.0, 3.0)
    assert query.line(series) == "▁ █"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply({"status": "error", "error": "parse error: no )"}, 400), "parse error"),
        (reply("<html>", 200), "no Prometheus"),
        (reply({"status": "success"}), "no Prometheus"),
        ("\n\x1e10000 connection refused\n", "connection refused"),
    ],
)
def test_what_is_no_answer_is_told_as_what_it_is(answer: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        query.parse(answer)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80))
@example([7.574213974684262e294, -1.79769313486224e308])
@example([5e-324, 0.0])
def test_a_line_has_a_character_for_each_value_whatever_they_are(values: list[float]) -> None:
    drawn = query.line(query.QuerySeries("x", tuple(values)))
    assert len(drawn) == (len(values) if any(map(math.isfinite, values)) else 0)
