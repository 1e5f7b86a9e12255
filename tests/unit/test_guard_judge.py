"""The verdict on series of samples: what goes back, what stays, and that awk says the same."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from kit import recorded
from reference_judge import GuardVerdict, Judge, judge, parse

from schedgen_ops import host_scripts
from schedgen_ops.watch import release_sample as samples
from schedgen_ops.watch.policy import GuardPolicy, variables
from schedgen_ops.watch.release_sample import ReleaseSample

MB = 1048576
PLAIN = GuardPolicy()


def series(*rows: ReleaseSample, every: float = 10.0) -> list[ReleaseSample]:
    """The rows, `every` seconds apart."""
    return [replace(row, at=every * number) for number, row in enumerate(rows, 1)]


def by_awk(
    rows: Sequence[ReleaseSample], policy: GuardPolicy, stage: int = 1, awk: str = "awk"
) -> GuardVerdict:
    """The verdict of the host's arithmetic."""
    text = "".join(f"{samples.line(row)}\n" for row in rows)
    words = [awk, *variables(policy), "-v", f"stage={stage}", host_scripts.text("watch/judge.awk")]
    said = subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout
    return parse(said)


def good(**values: int | float | None) -> ReleaseSample:
    return ReleaseSample(failed=0, requests=100, errors=0, **values)  # type: ignore[arg-type]


# Made series, a rule each


def test_three_failed_checks_in_a_row_go_back_with_the_third() -> None:
    bad = ReleaseSample(failed=1)
    rows = series(ReleaseSample(failed=0), bad, bad, ReleaseSample(failed=0), bad, bad, bad, bad)
    verdict = judge(rows, PLAIN)
    assert (verdict.back, verdict.first, verdict.rule) == (True, 5, "checks")
    assert verdict.text == "3 consecutive health checks failed (limit 3)"
    assert not judge(rows[:6], PLAIN).back


def test_checks_that_could_not_be_made_neither_fail_nor_end_a_row() -> None:
    bad, gap = ReleaseSample(failed=1), ReleaseSample()
    assert not judge(series(*[gap] * 50), PLAIN).back
    assert judge(series(bad, gap, bad, gap, gap, bad), PLAIN).first == 1


def test_an_error_rate_above_the_limit_reads_as_in_the_runbook() -> None:
    verdict = judge(
        series(good(), ReleaseSample(failed=0, requests=240, errors=30)), replace(PLAIN, window=1)
    )
    assert verdict.text == "Error rate (12.50%) exceeded threshold (10.00%)"
    assert (verdict.first, verdict.detail) == (2, "30 of 240 requests at the ingress")


def test_checks_that_fail_now_and_then_go_back_by_their_share() -> None:
    flapping = series(*(ReleaseSample(failed=int(number % 4 == 3)) for number in range(40)))
    verdict = judge(flapping, PLAIN)
    assert (verdict.rule, verdict.first) == ("checks", 12)
    assert verdict.text == "Error rate (25.00%) exceeded threshold (10.00%)"


def test_a_late_burst_is_not_thinned_by_all_the_good_before_it() -> None:
    burst = ReleaseSample(failed=0, requests=100, errors=20)
    verdict = judge(series(*[good()] * 55, burst, burst, burst), PLAIN)
    assert (verdict.back, verdict.first) == (True, 56)


def test_few_requests_are_not_judged_and_that_is_said() -> None:
    verdict = judge(series(*[ReleaseSample(failed=0, requests=1, errors=1)] * 10), PLAIN)
    assert (verdict.back, verdict.insufficient, verdict.detail) == (False, True, "10")
    assert not judge(series(ReleaseSample(failed=0)), PLAIN).insufficient


def test_whether_requests_were_enough_is_asked_of_the_present_stage() -> None:
    rows = series(*[good()] * 3, *[ReleaseSample(failed=0, requests=0, errors=0)] * 3)
    assert not judge(rows, PLAIN).insufficient
    assert judge(rows, PLAIN, stage=4).insufficient


def test_errors_that_the_old_release_has_too_are_not_held_against_the_new_one() -> None:
    both = ReleaseSample(failed=0, requests=100, errors=50, old_requests=100, old_errors=45)
    assert not judge(series(*[both] * 5), PLAIN).back
    assert judge(series(*[replace(both, old_errors=30)] * 5), PLAIN).back
    # Too few requests of the old one say nothing.
    assert judge(series(*[replace(both, old_requests=3, old_errors=3)] * 3), PLAIN).back


def test_the_counters_of_services_are_judged_on_their_own() -> None:
    verdict = judge(series(ReleaseSample(failed=0, counted=100, count_errors=13)), PLAIN)
    assert (verdict.rule, verdict.detail) == ("counters", "13 of 100 requests that the services counted")


def test_prometheus_is_believed_when_it_says_so_three_times() -> None:
    rows = series(*(ReleaseSample(percent=value) for value in (50.0, 0.0, 11.0, None, 12.0, 12.5)))
    verdict = judge(rows, PLAIN)
    assert (verdict.rule, verdict.first) == ("prometheus", 3)
    assert not judge(rows[:5], PLAIN).back


def test_a_release_that_is_much_slower_goes_back() -> None:
    slow = ReleaseSample(p95=2.5, old_p95=0.025)
    verdict = judge(series(slow, slow, slow), PLAIN)
    assert (verdict.rule, verdict.first) == ("latency", 1)
    assert verdict.text == "p95 latency (2500 ms) exceeded 3 times that of the release before"
    for fine in (replace(slow, p95=0.4), replace(slow, old_p95=1.0), replace(slow, old_p95=None)):
        assert not judge(series(*[fine] * 9), PLAIN).back
    assert not judge(series(*[slow] * 9), replace(PLAIN, latency_factor=0)).back


def test_a_restart_during_the_watch_goes_back_at_once() -> None:
    rows = series(
        ReleaseSample(restarts=0),
        ReleaseSample(restarts=0),
        ReleaseSample(restarts=None),
        ReleaseSample(restarts=1),
    )
    assert judge(rows, PLAIN).first == 4
    assert not judge(rows, replace(PLAIN, restarts=1)).back
    assert not judge(rows, replace(PLAIN, restarts=-1)).back


def leaking(mb_a_minute: float, noise: float = 0.0, count: int = 60) -> list[ReleaseSample]:
    chance = random.Random(7)
    rows = []
    for number in range(1, count + 1):
        memory = 100 + mb_a_minute * number / 6 + chance.uniform(-noise, noise)
        rows.append(ReleaseSample(at=10.0 * number, failed=0, memory=int(memory * MB)))
    return rows


def test_memory_that_surely_grows_goes_back_and_noise_does_not() -> None:
    assert judge(leaking(120, noise=5), PLAIN).rule == "memory"
    assert not judge(leaking(0, noise=60), PLAIN).back
    assert not judge(leaking(15, noise=5), PLAIN).back
    assert not judge(leaking(120), replace(PLAIN, leak=0)).back


def test_memory_that_grows_while_a_service_warms_up_is_no_leak() -> None:
    warm = [ReleaseSample(at=10.0 * n, memory=int((50 + min(n, 6) * 20) * MB)) for n in range(1, 61)]
    assert not judge(warm, PLAIN).back


def test_new_error_lines_go_back_where_that_is_asked_for() -> None:
    rows = series(ReleaseSample(log_errors=0), ReleaseSample(log_errors=3), ReleaseSample(log_errors=3))
    assert not judge(rows, PLAIN).back
    verdict = judge(rows, replace(PLAIN, log_errors=5))
    assert (verdict.rule, verdict.first, verdict.text) == (
        "logs",
        2,
        "6 new error lines in the logs (limit 5)",
    )


def test_a_decision_stands_whatever_comes_later() -> None:
    analysis = Judge(PLAIN)
    for row in series(*[ReleaseSample(failed=1)] * 3, *[good()] * 50):
        analysis.add(row)
    assert analysis.verdict().first == 1


# Properties

counts = some.integers(0, 500)


@some.composite
def within(draw: some.DrawFn) -> ReleaseSample:
    """A sample that no rule has anything against; parts of it may be unknown."""
    requests, counted = draw(counts), draw(counts)
    old_p95 = draw(some.floats(0.001, 5))
    kept = ReleaseSample(
        failed=0,
        requests=requests,
        errors=draw(some.integers(0, requests // 10)),
        old_requests=draw(counts),
        old_errors=0,
        counted=counted,
        count_errors=draw(some.integers(0, counted // 10)),
        percent=draw(some.floats(0, 10)),
        p95=draw(some.floats(0, 3)) * old_p95,
        old_p95=old_p95,
        restarts=0,
        memory=draw(some.integers(200, 201)) * MB,
        log_errors=draw(some.integers(0, 2)),
    )
    gaps: dict[str, None] = {}
    pairs = [("requests", "errors"), ("old_requests", "old_errors"), ("counted", "count_errors")]
    singles = [
        (name,) for name in ("failed", "percent", "p95", "old_p95", "restarts", "memory", "log_errors")
    ]
    for names in (*pairs, *singles):
        if draw(some.integers(0, 4)) == 0:
            gaps |= dict.fromkeys(names)
    return replace(kept, **gaps)  # type: ignore[arg-type]


LIMITS = replace(PLAIN, log_errors=6)


@given(some.lists(within(), max_size=40), some.lists(some.floats(-100, 5000), max_size=40))
@settings(deadline=None)
def test_a_series_within_its_limits_is_never_taken_back(
    rows: list[ReleaseSample], times: list[float]
) -> None:
    # Whatever the clock does.
    timed = [replace(row, at=times[n] if n < len(times) else 10.0 * n) for n, row in enumerate(rows)]
    assert not judge(timed, LIMITS).back


WRONG: tuple[ReleaseSample, ...] = (
    ReleaseSample(failed=1),
    ReleaseSample(failed=0, requests=20, errors=3),
    ReleaseSample(failed=0, counted=500, count_errors=51),
    ReleaseSample(failed=0, percent=10.1),
    ReleaseSample(failed=0, p95=0.51, old_p95=0.16),
)


@given(some.lists(within(), max_size=30), some.sampled_from(WRONG), some.lists(within(), max_size=5))
@settings(deadline=None)
def test_three_samples_beyond_a_limit_are_always_taken_back_by_the_third(
    before: list[ReleaseSample], wrong: ReleaseSample, after: list[ReleaseSample]
) -> None:
    rows = series(*before, wrong, wrong, wrong, *after)
    assert judge(rows, LIMITS).back
    decided = next(n for n in range(len(rows) + 1) if judge(rows[:n], LIMITS).back)
    assert decided <= len(before) + 3


@given(some.lists(within(), max_size=20), some.integers(0, 20))
@settings(deadline=None)
def test_a_gap_is_not_a_zero(rows: list[ReleaseSample], place: int) -> None:
    with_gap = series(*rows[:place], ReleaseSample(), *rows[place:])
    analysis, plain = Judge(LIMITS), Judge(LIMITS)
    for row in with_gap:
        analysis.add(row)
    for row in series(*rows):
        plain.add(row)
    assert (analysis.checks, analysis.failures) == (plain.checks, plain.failures)
    assert analysis.verdict().back == plain.verdict().back


PAIRS = (
    ("requests", "errors"),
    ("old_requests", "old_errors"),
    ("counted", "count_errors"),
    ("old_counted", "old_count_errors"),
)


@some.composite
def anything(draw: some.DrawFn) -> ReleaseSample:
    """A sample of any kind."""
    maybe = some.none() | counts
    seconds = some.none() | some.floats(0, 5).map(lambda value: round(value, 6))
    found: dict[str, int | None] = {}
    for total, wrong in PAIRS:
        found[total] = draw(maybe)
        found[wrong] = None if found[total] is None else draw(some.integers(0, found[total]))
    return ReleaseSample(
        at=round(draw(some.floats(0, 600)), 6),
        failed=draw(some.sampled_from((0, 0, 0, 1, None))),
        percent=draw(seconds),
        p95=draw(seconds),
        old_p95=draw(seconds),
        restarts=draw(some.none() | some.integers(0, 4)),
        memory=draw(some.none() | some.integers(50, 400).map(lambda value: value * MB)),
        log_errors=draw(some.none() | some.integers(0, 9)),
        **found,
    )


policies = some.builds(
    GuardPolicy,
    error_percent=some.sampled_from((0.0, 7.3, 10.0, 60.0, 100.0)),
    consecutive=some.integers(1, 4),
    min_checks=some.integers(1, 12),
    min_requests=some.integers(0, 300),
    window=some.integers(1, 4),
    latency_factor=some.sampled_from((0.0, 1.5, 3.0)),
    min_p95=some.sampled_from((0.0, 0.5, 4.0)),
    restarts=some.integers(-1, 3),
    leak=some.sampled_from((0.0, 0.5, 20.0)),
    leak_samples=some.integers(3, 8),
    warm_up=some.sampled_from((0.0, 60.0)),
    log_errors=some.integers(-1, 12),
)
AWKS = [name for name in ("mawk", "gawk", "original-awk") if shutil.which(name)] or ["awk"]


@pytest.mark.parametrize("awk", AWKS)
@given(some.lists(anything(), max_size=25), policies, some.integers(1, 8))
@settings(deadline=None, max_examples=120)
def test_awk_and_python_come_to_the_same_verdict(
    awk: str, rows: list[ReleaseSample], policy: GuardPolicy, stage: int
) -> None:
    assert by_awk(rows, policy, stage, awk) == judge(rows, policy, stage)


@given(anything())
def test_a_sample_survives_being_written_as_a_line(row: ReleaseSample) -> None:
    assert samples.parse(samples.line(row)) == row


@pytest.mark.parametrize("text", ["", "1 2 3", "- " * 16, "x " * 16, "1 " * 17])
def test_a_torn_line_is_no_sample(text: str) -> None:
    with pytest.raises(ValueError, match=r"sample|convert|invalid"):
        samples.parse(text)


# Series that hosts of the lab wrote: a look every second, on a busy machine

LAB = GuardPolicy(leak=60.0, leak_samples=6, warm_up=2.0)


def recorded_series(name: str) -> list[ReleaseSample]:
    return [samples.parse(text) for text in recorded(f"guard_{name}.txt").splitlines()]


def test_a_good_release_under_load_is_kept() -> None:
    rows = recorded_series("good")
    assert len(rows) == 20
    assert judge(rows, LAB) == GuardVerdict(detail=str(sum(row.requests or 0 for row in rows)))


def test_a_good_release_that_nobody_visits_is_not_judged_by_requests() -> None:
    verdict = judge(recorded_series("quiet"), LAB)
    assert (verdict.back, verdict.insufficient) == (False, True)


def test_a_leak_of_two_megabytes_a_second_is_found() -> None:
    verdict = judge(recorded_series("leak"), LAB)
    assert (verdict.rule, verdict.first) == ("memory", 6)


def test_a_container_that_ended_before_the_first_look_is_found_by_it() -> None:
    verdict = judge(recorded_series("crash"), LAB)
    assert (verdict.rule, verdict.first) == ("restarts", 1)


def test_a_release_of_which_every_eighth_call_fails_is_found_at_once() -> None:
    verdict = judge(recorded_series("errors"), LAB)
    assert (verdict.rule, verdict.first) == ("requests", 1)
    assert verdict.text == "Error rate (11.11%) exceeded threshold (10.00%)"
