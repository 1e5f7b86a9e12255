"""When nothing is deployed, what may be deployed, and whose consent counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash
from pydantic import ValidationError

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.policy import approvals, rules
from schedgen_ops.policy.approvals import Approval
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Freeze, Policy

FRIDAY = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
COMMIT = "3f2a9c1b" * 5


def freeze(**values: object) -> Freeze:
    return Freeze.model_validate(values)


def policy(**values: object) -> Policy:
    return Policy.model_validate(values)


def test_a_frozen_friday_is_refused_with_its_reason_and_a_saturday_is_not() -> None:
    asked = policy(freeze=[{"days": ["fri"], "why": "nobody is here on Saturday"}])
    assert list(rules.against(asked, Ref("main"), FRIDAY)) == [
        "nothing is deployed on fri (UTC): nobody is here on Saturday"
    ]
    assert list(rules.against(asked, Ref("main"), FRIDAY + timedelta(days=1))) == []


@pytest.mark.parametrize(
    ("hours", "day", "clock", "closed"),
    [
        ("14:00-24:00", "fri", "2026-11-27T13:59", False),
        ("14:00-24:00", "fri", "2026-11-27T14:00", True),
        ("14:00-24:00", "fri", "2026-11-27T23:59:59", True),
        ("14:00-24:00", "fri", "2026-11-28T00:00", False),
        ("22:00-06:00", "fri", "2026-11-27T21:59", False),
        ("22:00-06:00", "fri", "2026-11-28T05:59", True),
        ("22:00-06:00", "fri", "2026-11-27T05:00", False),
        ("22:00-06:00", "fri", "2026-11-28T06:00", False),
    ],
)
def test_hours_belong_to_the_day_on_which_they_begin(hours: str, day: str, clock: str, closed: bool) -> None:
    moment = datetime.fromisoformat(clock).replace(tzinfo=UTC)
    assert (rules.frozen([freeze(days=[day], hours=hours)], moment) is not None) == closed


def test_a_window_is_in_its_own_zone_whatever_the_operators_is() -> None:
    window = freeze(days=["fri"], hours="00:00-01:00", zone="Europe/Berlin")
    assert rules.frozen([window], datetime(2026, 11, 26, 23, 30, tzinfo=UTC)) is window
    assert rules.frozen([window], datetime(2026, 11, 27, 0, 30, tzinfo=UTC)) is None


def test_dates_are_closed_with_their_last_day() -> None:
    window = freeze(dates="2026-12-23..2027-01-02")
    days = [datetime(2026, 12, 22, 23, tzinfo=UTC) + timedelta(hours=hours) for hours in (0, 1, 264, 266)]
    assert [rules.frozen([window], day) is window for day in days] == [False, True, True, False]


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_every_moment_is_in_a_window_or_in_the_rest_of_its_day(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    day, night = freeze(days=every, hours="06:00-22:00"), freeze(days=every, hours="22:00-06:00")
    assert (rules.frozen([day], now) is None) != (rules.frozen([night], now) is None)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"days": ["friday"]},
        {"days": ["fri"], "hours": "14-24"},
        {"days": ["fri"], "hours": "14:00-25:00"},
        {"days": ["fri"], "hours": "14:00"},
        {"dates": "2026-12-24..2026-12-23"},
        {"dates": "Christmas"},
        {"dates": "2026-12-24.."},
        {"days": ["fri"], "zone": "Mars/Olympus"},
        {"days": ["fri"], "zone": "../etc/passwd"},
    ],
)
def test_what_says_no_time_is_refused_when_the_config_is_read(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        freeze(**values)


@pytest.mark.parametrize(
    ("ref", "may"),
    [("v1.2.3", True), ("refs/tags/v1.2.3", True), ("main", True), ("Main", False), ("feature/v1", False)],
)
def test_only_named_branches_may_be_deployed(ref: str, may: bool) -> None:
    assert rules.allowed(policy(branches=["v*", "main"]), Ref(ref)) == may


def test_an_approval_is_read_back_as_it_was_left_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    left = Approval(COMMIT, "bo'b $x@desk", "2026-11-27T12:00:00Z", "1a2b3c4d")
    command = approvals.leave(paths, left)
    assert bash(command, tmp_path).ok
    (tmp_path / ".schedgen/approvals" / COMMIT / "ff.json").write_text('{"commit": 1}')
    (tmp_path / ".schedgen/approvals" / COMMIT / "fe.json").write_bytes(b"\0\xff" * 9000)
    answer = bash(approvals.listing(paths), tmp_path)
    assert answer.ok
    assert approvals.parse(answer.stdout) == (left,)
    (file,) = (tmp_path / ".schedgen/approvals" / COMMIT).glob("1a*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["by"] == "bo'b $x@desk"


def test_where_nobody_approved_anything_nothing_is_listed(tmp_path: Path) -> None:
    assert approvals.parse(bash(approvals.listing(Paths(str(tmp_path))), tmp_path).stdout) == ()


@pytest.mark.parametrize(("commit", "code"), [("../../x", "1a2b"), (COMMIT, "../x"), (COMMIT[:7], "1a2b")])
def test_an_approval_cannot_leave_its_folder(commit: str, code: str) -> None:
    with pytest.raises(ValueError, match="no approval"):
        approvals.leave(Paths("/srv/p"), Approval(commit, "bob@desk", "", code))


def test_ones_own_approval_counts_for_nothing_and_nobodys_twice() -> None:
    mine = Approval(COMMIT, "ann@laptop", "", "01")
    bobs = Approval(COMMIT, "bob@desk", "", "02")
    again = Approval(COMMIT, "bob@phone", "", "03")
    other = Approval("0" * 40, "cleo@desk", "", "04")
    found = approvals.given([mine, bobs, again, other], COMMIT, "ann")
    assert [each.user for each in found] == ["bob"]
    assert approvals.missing(policy(approvals=1), found) == ""
    assert approvals.missing(policy(approvals=2), found) == (
        "it needs 2 approvals of others, and has bob@phone"
    )
    assert approvals.given([bobs], "", "ann") == ()
