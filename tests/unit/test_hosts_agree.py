"""Hosts of a run that ended on two releases: each record is a vote, and where one is against, all go back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import test_hosts_left_out
import test_tasks
from deploying import deployed
from hypothesis import given
from hypothesis import strategies as st
from simulated import SimHost
from test_hosts_left_out import Configure
from test_recovery import NEWER, OLDER, asked, killed, wrong
from test_release import release
from test_tasks import Capture, Inv

from schedgen_ops.release import agreement
from schedgen_ops.release.record import Release, ReleaseId, State
from schedgen_ops.release.store import Shelf

inv = test_tasks.inv
configure = test_hosts_left_out.configure

OLD = release("1", "")
NEW = release("2", "1")


def shelf(current: str, *releases: Release) -> Shelf:
    return Shelf(ReleaseId(current), releases)


def test_a_release_that_serves_on_some_hosts_of_its_run_alone_is_told_of_with_why() -> None:
    failed = replace(NEW, state=State.FAILED, error="the error rate\nwas 12 %")
    found = agreement.disagreement({"a": shelf("2", OLD, NEW), "b": shelf("1", OLD, failed)})
    assert found == agreement.Disagreement(NEW.id, ("a",), {"b": failed.error})
    assert str(found) == "2 serves on a, and not on b: the error rate"
    begun = replace(NEW, state=State.STARTED)
    found = agreement.disagreement({"a": shelf("1", OLD, begun), "b": shelf("2", OLD, NEW)})
    assert str(found) == "2 serves on b, and not on a: the run was cut off before it was named there"


@pytest.mark.parametrize(
    "other",
    [
        shelf("2", OLD, NEW),
        # It was not in the run; it was gone back on; nobody knows what serves; nothing was ever deployed.
        shelf("1", OLD),
        shelf("3", OLD, NEW, replace(release("3", "2"), restores=ReleaseId("1"))),
        replace(shelf("1", OLD, replace(NEW, state=State.FAILED)), doubt="two say so"),
        shelf(""),
    ],
)
def test_what_is_no_odds_of_one_run_is_none(other: Shelf) -> None:
    assert agreement.disagreement({"a": shelf("2", OLD, NEW), "b": other}) is None


@given(st.lists(st.sampled_from([*State]), min_size=1, max_size=5))
def test_after_all_went_back_nothing_is_at_odds(states: list[State]) -> None:
    shelves = {
        f"app{number}": shelf("2" if state is State.DONE else "1", OLD, replace(NEW, state=state))
        for number, state in enumerate(states)
    }
    found = agreement.disagreement(shelves)
    kept = {host for host, one in shelves.items() if one.current == "2"}
    others = (
        {*shelves}
        - kept
        - {host for host, state in zip(shelves, states, strict=True) if state is State.ADOPTED}
    )
    assert (found is not None) == bool(kept and others)
    for host in found.serving if found else ():
        assert agreement.before(shelves[host]) == OLD
        shelves[host] = shelf("3", OLD, NEW, replace(release("3", "2"), restores=OLD.id))
    assert agreement.disagreement(shelves) is None


def test_what_a_release_went_back_to_is_what_was_before_it() -> None:
    back = replace(release("3", "2"), restores=OLD.id)
    assert agreement.before(shelf("4", OLD, NEW, back, release("4", "3"))) == OLD
    assert agreement.before(shelf("3", OLD, NEW, back)) == NEW
    assert agreement.before(shelf("1", OLD)) is None
    assert agreement.before(shelf("2", replace(OLD, state=State.FAILED), NEW)) is None


def test_wherever_two_hosts_were_killed_they_end_on_one_release(
    inv: Inv, configure: Configure, capsys: Capture
) -> None:
    configure()
    named = next(number for number, name in enumerate(asked()) if name.startswith("serve "))
    odds = 0
    for first, second in [(named, each) for each in range(named - 8, len(asked()))]:
        for places in ((first, second), (second, first)):
            worlds = [killed(deployed(), place) for place in places]
            odds += worlds[0].current != worlds[1].current
            hosts = [SimHost(name, world=world) for name, world in zip(("app1", "app2"), worlds, strict=True)]
            assert inv("deploy.recover", on=hosts) == 0, (places, capsys.readouterr())
            assert hosts[0].world.current.split("-")[1] == hosts[1].world.current.split("-")[1], places
            assert [text for host in hosts for text in wrong(host.world)] == [], places
    assert odds > 8


def test_a_status_tells_that_hosts_are_at_odds_and_what_ends_it(
    inv: Inv, configure: Configure, capsys: Capture
) -> None:
    configure()
    worlds = [killed(deployed(), place) for place in (len(asked()), 60)]
    hosts = [SimHost(name, world=world) for name, world in zip(("app1", "app2"), worlds, strict=True)]
    assert inv("deploy.status", on=hosts) == 0
    said = capsys.readouterr()
    assert f"{NEWER} serves on app1, and not on app2: the run was cut off" in said.out + said.err
    assert inv("deploy.recover", on=hosts) == 0
    assert f"{NEWER} was taken back on app1 too" in capsys.readouterr().out
    assert OLDER.split("-")[1] == hosts[0].world.current.split("-")[1]
    assert inv("deploy.status", on=hosts) == 0
    assert "serves on app1, and not" not in capsys.readouterr().err
