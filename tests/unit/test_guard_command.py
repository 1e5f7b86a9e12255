"""The guard's options, its story, and what `deploy.status` says."""

from __future__ import annotations

import pytest
from kit import settings
from simulated_guard import LOGS

from schedgen_ops.cli import guard
from schedgen_ops.errors import ConfigError
from schedgen_ops.events import Event, Message
from schedgen_ops.guard.plan import Stage
from schedgen_ops.guard.story import HostWatch
from schedgen_ops.watch.policy import GuardPolicy
from schedgen_ops.watch.release_sample import ReleaseSample, line


def told(*lines: str, stages: tuple[Stage, ...] = (Stage(100, 600),)) -> tuple[HostWatch, list[str]]:
    """A watch whose log has these lines, and what an operator reads of it."""
    seen: list[Event] = []
    watch = HostWatch(GuardPolicy(), stages, seen.append, "app1")
    for text in lines:
        watch.take(text)
    return watch, [event.text for event in seen if isinstance(event, Message)]


def test_options_override_the_configuration() -> None:
    made = guard.chosen(settings(), 300, "10, 50%", 30)
    assert (made.watch.duration, made.guard.canary, made.guard.pause) == (300, (10, 50), 30)
    assert guard.chosen(settings(), 0, "", 0) == settings()
    assert guard.chosen(settings(), 5, "", 0).watch.interval == 5


@pytest.mark.parametrize("canary", ["0", "100", "50,10", "10,10", "ten", "10,,20", "-5"])
def test_shares_that_are_none_are_refused(canary: str) -> None:
    with pytest.raises(ConfigError, match="shares"):
        guard.chosen(settings(), 0, canary, 0)


@pytest.mark.parametrize(("duration", "pause"), [(-1, 0), (0, -1), (86_401, 0)])
def test_times_that_are_none_are_refused(duration: int, pause: int) -> None:
    with pytest.raises(ConfigError, match="seconds"):
        guard.chosen(settings(), duration, "", pause)


def test_a_watch_that_goes_back_is_told_as_the_runbook_does() -> None:
    watch, said = told(*LOGS["back"].splitlines())
    assert watch.outcome == "back"
    assert said[1].startswith("  Progress: 20s / 600s | Checks: 2 | Failures: 0 (0.00%) | Consecutive: 0 | ")
    assert said[2:] == [
        "Error rate (12.50%) exceeded threshold (10.00%)",
        "  30 of 240 requests",
        "TRIGGERING AUTOMATIC ROLLBACK",
        "The old release answers again, 0.5s after the first bad sample",
        "Rolled back in 2.5s",
    ]


@pytest.mark.parametrize(
    ("action", "then"),
    [("accept", "accepted"), ("wait", "waiting for more"), ("rollback", "goes back")],
)
def test_too_few_requests_are_said_with_what_happens_then(action: str, then: str) -> None:
    _, said = told(f"insufficient {action} 3")
    assert said[0].startswith("Inconclusive: 3 real requests, 20 are needed")
    assert then in said[0]


def test_the_share_that_a_canary_got_is_reported() -> None:
    _, said = told("stage 10 60", "share 98 1000", stages=(Stage(10, 60), Stage(100, 600)))
    assert said == [
        "Canary: 10% of the requests go to the new release for 60s",
        "The new release answered 98 of 1000 requests (9.8%) at the ingress",
    ]


def test_requests_that_only_services_count_are_shown_too() -> None:
    watch, _ = told(f"sample {line(ReleaseSample(at=10.0, failed=1, counted=50, count_errors=5))}")
    assert watch.progress().endswith(
        "| Failures: 1 (100.00%) | Consecutive: 1 | Remaining: 590s | Requests: 50 (10.00% errors)"
    )


@pytest.mark.parametrize("text", ["", "sample 1 2", "end", "stage x y", "nonsense", "bad", "share 1"])
def test_a_torn_line_of_the_log_is_passed_over(text: str) -> None:
    watch, said = told(text)
    assert (watch.outcome, said) == ("", [])
