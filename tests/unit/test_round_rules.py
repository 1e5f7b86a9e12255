"""What a verification says of its rounds is what the host's judge says of the same checks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from test_guard_judge import AWKS, by_awk

from schedgen_ops.settings import Limits
from schedgen_ops.watch.policy import GuardPolicy
from schedgen_ops.watch.release_sample import ReleaseSample
from schedgen_ops.watch.round_stats import RoundStats


def first_reason(rounds: list[bool | None], limits: Limits) -> str:
    """The verdict after the first round with which there is one; "" for none."""
    stats = RoundStats(3600, 10)
    for failed in rounds:
        stats = stats.count(failed)
        if reason := stats.verdict(limits):
            return reason
    return ""


@pytest.mark.parametrize("awk", AWKS)
@given(
    rounds=some.lists(some.sampled_from([False, False, True, None]), max_size=25),
    consecutive=some.integers(1, 5),
    percent=some.sampled_from((10.0, 20.0, 25.0, 37.5, 50.0)),
)
@settings(deadline=None, max_examples=60)
def test_both_judge_checks_alike(
    awk: str, rounds: list[bool | None], consecutive: int, percent: float
) -> None:
    limits = Limits(consecutive_failures=consecutive, error_percent=percent)
    # The watchdog, which acts at once, waits for a few checks before it goes by their share.
    policy = GuardPolicy(consecutive=consecutive, error_percent=percent, min_checks=1)
    samples = [
        ReleaseSample(at=10.0 * number, failed=None if failed is None else int(failed))
        for number, failed in enumerate(rounds, 1)
    ]
    verdict = by_awk(samples, policy, awk=awk)
    said = verdict.text.replace("consecutive health checks", "consecutive checks") if verdict.back else ""
    assert said == first_reason(rounds, limits)
