"""What the prober says of visitors: nothing is lost, nothing is made up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedgen_ops.probe.report import Phase, ProbeAnswer, ProbeReport, merged, parse, quantile, report

SECONDS = st.integers(1, 5000).map(lambda ms: ms / 1000)
STATUS = st.sampled_from([200, 204, 301, 399, 0, 400, 404, 500, 503])
REQUEST = st.tuples(SECONDS, STATUS, SECONDS)
PHASES = st.sampled_from(["before", "during", "after"])


def line(start: float, url: int, status: int, seconds: float) -> str:
    """One request as the script writes it."""
    return f"{round(start * 1e6)} {url} {status:03} {seconds:.6f}"


def asked(url: int, rows: list[tuple[float, int, float]], start: float = 100.0) -> list[ProbeAnswer]:
    """Requests of one URL, one after the other: pause, status, time."""
    found = []
    for pause, status, seconds in rows:
        start += pause
        found.append(ProbeAnswer(start, url, status, seconds))
        start += seconds
    return found


ROWS = st.lists(REQUEST, max_size=12)


@given(ROWS, ROWS)
def test_every_request_is_counted_once(
    first: list[tuple[float, int, float]], second: list[tuple[float, int, float]]
) -> None:
    answers = [*asked(0, first), *asked(1, second)]
    found = report(answers)
    assert found.requests == len(answers) == sum(phase.requests for phase in found.phases)
    bad = sum(not 200 <= answer.status < 400 for answer in answers)
    assert found.failed == bad == sum(phase.failed for phase in found.phases)
    assert found.zero_downtime is (bool(answers) and not bad)


@given(ROWS)
def test_a_gap_is_at_least_the_longest_failure_and_none_where_nothing_failed(
    rows: list[tuple[float, int, float]],
) -> None:
    answers = asked(0, rows)
    found = report(answers)
    failures = [answer.seconds for answer in answers if not answer.good]
    if not failures:
        assert found.gap == 0
        return
    assert found.gap >= max(failures) - 1e-9
    assert found.gap <= answers[-1].end - answers[0].start + 1e-9


def test_a_gap_runs_from_the_last_good_answer_to_the_next() -> None:
    rows = [(0.0, 200, 0.1), (0.1, 503, 0.2), (0.1, 0, 5.0), (0.1, 200, 0.1), (9.0, 200, 0.1)]
    assert report(asked(0, rows)).gap == pytest.approx(0.1 + 0.2 + 0.1 + 5.0 + 0.1 + 0.1)


def test_a_site_that_never_came_back_has_a_gap_to_the_end() -> None:
    rows = [(0.0, 200, 0.1), (0.1, 0, 5.0), (0.1, 0, 5.0)]
    assert report(asked(0, rows)).gap == pytest.approx(10.2)


def test_one_url_that_answers_hides_no_gap_of_another() -> None:
    answers = [
        *asked(0, [(0.1, 200, 0.1)] * 50),
        *asked(1, [(0.0, 200, 0.1), (0.1, 0, 2.0), (0.1, 200, 0.1)]),
    ]
    assert report(answers).gap == pytest.approx(2.3)


LINES = st.lists(
    st.builds(line, st.floats(1, 1e6), st.integers(0, 3), STATUS, SECONDS)
    | st.builds(lambda at, name: f"{at} phase {name}", st.integers(0, 10**12), PHASES),
    max_size=15,
)


@given(LINES, st.integers(0, 80))
def test_a_torn_end_loses_its_own_line_alone(lines: list[str], cut: int) -> None:
    text = "\n".join(lines)
    whole = parse(lines)
    torn = parse(text[: max(0, len(text) - cut)].split("\n"))
    lost = text[max(0, len(text) - cut) :].count("\n") + 1
    assert len(whole) == sum("phase" not in one for one in lines)
    assert len(whole) - lost <= len(torn) <= len(whole)


@given(st.text(max_size=60), LINES)
def test_garbage_is_passed_over(garbage: str, lines: list[str]) -> None:
    found = parse([*lines, *garbage.splitlines()])
    assert len(found) >= sum("phase" not in one for one in lines)
    assert all(math.isfinite(answer.seconds) for answer in found)
    report(found)


@pytest.mark.parametrize(
    "bad", ["² phase x", "1 0 200 nan", "1 0 200 inf", "1 0 200 -1", "1 0 2x0 0.1", "1 0 200"]
)
def test_what_is_no_line_of_ours_is_no_request(bad: str) -> None:
    assert parse([bad]) == ()


def test_a_request_belongs_to_the_phase_in_which_it_began() -> None:
    said = [
        line(1, 0, 200, 0.1),
        "2000000 phase during",
        line(2, 0, 0, 5),
        "6000000 phase after",
        line(7, 0, 200, 0.1),
    ]
    found = report(parse(said))
    assert [(phase.name, phase.requests, phase.failed) for phase in found.phases] == [
        ("before", 1, 0),
        ("during", 1, 1),
        ("after", 1, 0),
    ]


@given(st.lists(SECONDS, max_size=60), st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_one_of_the_values_with_that_share_below(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = quantile(ordered, share)
    if not values:
        assert found == 0
        return
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    below = [value for value in ordered if value < found]
    assert len(below) < share * len(ordered)


@given(st.lists(ROWS, max_size=3))
def test_hosts_are_added_and_the_worst_is_shown(hosts: list[list[tuple[float, int, float]]]) -> None:
    each = [report(asked(0, rows)) for rows in hosts]
    found = merged(each)
    assert found.requests == sum(one.requests for one in each)
    assert found.failed == sum(one.failed for one in each) == sum(phase.failed for phase in found.phases)
    assert found.gap == max((one.gap for one in each), default=0)
    for phase in found.phases:
        assert phase.p99 == max(p.p99 for one in each for p in one.phases if p.name == phase.name)


def test_zero_downtime_is_claimed_only_where_it_was_measured() -> None:
    phases = (Phase("before", 3, 0, 0.01, 0.02),)
    assert (
        ProbeReport(3, 0, 0.0, phases).sentence() == "Zero downtime: 3 requests during the run, none failed"
    )
    assert ProbeReport(0, 0, 0.0, ()).sentence() == "Not measured: no request was made"
    failed = ProbeReport(200, 2, 0.5, phases)
    assert failed.sentence() == "2 of 200 requests failed during the run, the longest gap was 0.50s"
    assert not failed.zero_downtime
    assert failed.table() == ("before: 3 requests, 0 failed, median 10 ms, p99 20 ms",)


def test_an_answer_is_good_where_it_has_the_status_that_its_check_asks_for() -> None:
    lines = ["1000000 0 401 0.010", "2000000 0 200 0.010", "3000000 1 200 0.010"]
    assert [answer.good for answer in parse(lines, (401, None))] == [True, False, True]
    assert [answer.good for answer in parse(lines)] == [False, True, True]


def test_what_fails_on_a_host_that_is_out_of_its_load_balancer_is_nobodys_request() -> None:
    told = [line(1, 0, 200, 0.01), "2000000 phase out", line(3, 0, 0, 0.01), line(4, 0, 200, 0.01)]
    seen = report(parse([*told, "5000000 phase during", line(6, 0, 200, 0.01)]))
    assert (seen.requests, seen.failed, seen.gap) == (2, 0, 0.0)
    assert seen.zero_downtime
    assert [(phase.name, phase.requests, phase.failed) for phase in seen.phases][-1] == ("out", 2, 1)
    seen = report(parse([*told, "5000000 phase during", line(6, 0, 0, 0.01)]))
    assert (seen.requests, seen.failed) == (2, 1)
