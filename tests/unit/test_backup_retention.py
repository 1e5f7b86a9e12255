"""Which backups may go: the rules that no combination of backups may break."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops.backup.catalog.retention import Candidate, RetentionPolicy, RetentionVerdict, decide

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC)
POLICY = RetentionPolicy(days=7, count=2)

_candidates = st.lists(
    st.builds(
        Candidate,
        name=st.integers(0, 99).map(lambda n: f"manual-20250101_{n:06d}"),
        kind=st.sampled_from(
            ["good", "good", "good", "safety", "superseded", "failed", "unfinished", "unreadable"]
        ),
        made=st.none() | st.integers(-3 * 24, 40 * 24).map(lambda hours: NOW - timedelta(hours=hours)),
        proven=st.booleans(),
        size=st.integers(0, 10**12),
    ),
    unique_by=lambda candidate: candidate.name,
    max_size=25,
)
_policies = st.builds(RetentionPolicy, days=st.integers(1, 30), count=st.integers(1, 8))
_needed = st.dictionaries(
    st.integers(0, 99).map(lambda n: f"manual-20250101_{n:06d}"), st.just("r1"), max_size=5
)


def old(name: str, days: float, **changes: object) -> Candidate:
    return replace(Candidate(name, "good", NOW - timedelta(days=days)), **changes)  # type: ignore[arg-type]


def removed(*found: Candidate, needed: tuple[str, ...] = (), policy: RetentionPolicy = POLICY) -> list[str]:
    verdicts = decide(found, dict.fromkeys(needed, "r1"), policy, NOW)
    return [verdict.name for verdict in verdicts if not verdict.keep]


@quickly
@given(_candidates, _needed, _policies)
def test_no_rule_is_ever_broken(
    found: list[Candidate], needed: dict[str, str], policy: RetentionPolicy
) -> None:
    verdicts = decide(found, needed, policy, NOW)
    by_name = {candidate.name: candidate for candidate in found}
    gone = [by_name[verdict.name] for verdict in verdicts if not verdict.keep]
    kept_good = [by_name[v.name] for v in verdicts if v.keep and by_name[v.name].kind == "good"]
    good = [candidate for candidate in found if candidate.kind == "good"]
    assert sorted(v.name for v in verdicts) == sorted(by_name)
    assert len(kept_good) >= min(policy.count, len(good))
    assert not good or max(c.made or NOW for c in good) == max(c.made or NOW for c in kept_good)
    for candidate in gone:
        assert candidate.kind != "unreadable"
        if candidate.kind != "unfinished":
            assert candidate.made is not None
            assert NOW - candidate.made >= timedelta(days=policy.days)
        if candidate.kind == "good":
            assert candidate.name not in needed
    assert any(c.proven for c in good) == any(c.proven for c in kept_good)
    assert all(verdict.why for verdict in verdicts)


@quickly
@given(_candidates, _needed, _policies)
def test_what_stays_stays_the_next_time_too(
    found: list[Candidate], needed: dict[str, str], policy: RetentionPolicy
) -> None:
    stays = {verdict.name for verdict in decide(found, needed, policy, NOW) if verdict.keep}
    again = decide([candidate for candidate in found if candidate.name in stays], needed, policy, NOW)
    assert {verdict.name for verdict in again if verdict.keep} == stays


@quickly
@given(_candidates, _needed, _policies, st.randoms())
def test_the_order_in_which_they_are_found_decides_nothing(
    found: list[Candidate], needed: dict[str, str], policy: RetentionPolicy, random: object
) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert decide(mixed, needed, policy, NOW) == decide(found, needed, policy, NOW)


@quickly
@given(_candidates, _needed, _policies)
def test_a_wider_policy_never_removes_more(
    found: list[Candidate], needed: dict[str, str], policy: RetentionPolicy
) -> None:
    def gone(given: RetentionPolicy) -> set[str]:
        return {v.name for v in decide(found, needed, given, NOW) if not v.keep}

    assert gone(replace(policy, count=policy.count + 1)) <= gone(policy)
    assert gone(replace(policy, days=policy.days + 1)) <= gone(policy)


def test_what_nothing_holds_goes() -> None:
    found = [old(f"manual-{n}", n) for n in range(1, 20)]
    assert removed(*found) == [f"manual-{n}" for n in range(7, 20)]
    assert removed(*found, policy=RetentionPolicy(days=7, count=15)) == [f"manual-{n}" for n in range(16, 20)]
    assert removed(*found, needed=("manual-9",)) == [f"manual-{n}" for n in range(7, 20) if n != 9]


def test_the_only_proven_one_stays_and_an_older_proof_goes() -> None:
    found = [old("a", 20), old("b", 30), old("c", 40, proven=True), old("d", 50, proven=True)]
    assert removed(*found) == ["d"]
    assert removed(old("n", 1, proven=True), *found) == ["b", "c", "d"]


def test_the_newest_good_one_stays_however_old() -> None:
    assert removed(old("a", 900), old("b", 1000), policy=RetentionPolicy(1, 1)) == ["b"]


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (old("x", 1, kind="failed"), RetentionVerdict("x", True, "failed, and younger than 7 days")),
        (old("x", 9, kind="failed"), RetentionVerdict("x", False, "failed, and older than 7 days")),
        (
            old("x", 1, kind="safety"),
            RetentionVerdict("x", True, "a copy that a restore made first, and younger than 7 days"),
        ),
        (
            old("x", 9, kind="safety"),
            RetentionVerdict("x", False, "a copy that a restore made first, and older than 7 days"),
        ),
        (
            old("x", 1, kind="superseded"),
            RetentionVerdict("x", True, "put aside by a restore, and younger than 7 days"),
        ),
        (
            old("x", 9, kind="superseded"),
            RetentionVerdict("x", False, "put aside by a restore, and older than 7 days"),
        ),
        (
            old("x", 0, kind="unfinished"),
            RetentionVerdict("x", False, "left unfinished by a run that was ended"),
        ),
        (
            old("x", 99, kind="unreadable"),
            RetentionVerdict("x", True, "its manifest cannot be read: look at it by hand"),
        ),
    ],
)
def test_what_is_no_backup_is_judged_by_itself(candidate: Candidate, expected: RetentionVerdict) -> None:
    assert decide([candidate], {}, POLICY, NOW) == (expected,)


def test_every_verdict_says_why() -> None:
    found = [old("a", 0), old("b", 1), old("c", 2), old("d", 10), old("e", 11, proven=True), old("f", 12)]
    verdicts = decide(found, {"d": "20250120_1-abc"}, POLICY, NOW)
    assert [verdict.why for verdict in verdicts] == [
        "the newest good one",
        "one of the newest 2",
        "younger than 7 days",
        "release 20250120_1-abc may need it",
        "the newest that a drill has proven",
        "older than 7 days, and 2 newer ones stay",
    ]


def test_the_newest_is_the_last_that_was_made_whatever_a_clock_said() -> None:
    ahead, later = old("ahead", -1, number=0), old("later", 0, number=1)
    verdicts = decide((ahead, later), {}, RetentionPolicy(days=1, count=1), NOW)
    assert [verdict.why for verdict in verdicts if verdict.name == "later"] == ["the newest good one"]
