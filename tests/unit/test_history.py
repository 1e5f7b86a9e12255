"""`inv history` and `history.stats`: from records and journals that may be torn, absent or foreign."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import test_tasks
import yaml
from deploying import deployed
from hypothesis import given
from hypothesis import strategies as st
from kit import bash
from simulated import Fault, SimHost
from test_tasks import Capture, Inv

from schedgen_ops.cli.history_tables import Delivered, page
from schedgen_ops.commands import git
from schedgen_ops.errors import ConnectionLost
from schedgen_ops.history.dora import Stats, stats
from schedgen_ops.history.runs import Journaled, merged, past
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, State

inv = test_tasks.inv
UNTIL = datetime(2024, 12, 1, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=90)
HOUR = 3600.0


def release(
    name: str,
    hours_ago: float,
    state: State = State.DONE,
    took: float = 0.5,
    *,
    reached: bool = True,
    **more: str,
) -> Release:
    begun = UNTIL - timedelta(hours=hours_ago)
    ended = begun + timedelta(hours=took)
    return Release(
        id=ReleaseId(name),
        branch="main",
        commit="a" * 40,
        state=state,
        started=begun.isoformat(),
        finished="" if state is State.STARTED else ended.isoformat(),
        previous=ReleaseId(more.get("previous", NO_RELEASE)),
        restores=ReleaseId(more.get("restores", NO_RELEASE)),
        reached=reached,
    )


def reckoned(*releases: Release, **commits: list[float]) -> Stats:
    return stats(releases, commits, SINCE, UNTIL)


def test_nothing_recorded_is_not_known_and_not_zero() -> None:
    found = reckoned(release("old", 24 * 100), release("now", 1, State.STARTED))
    assert (found.deploys, found.per_day, found.lead, found.failure_rate, found.restore) == (0, *[None] * 4)


def test_the_four_keys() -> None:
    bad = release("b", 40, previous="a")
    found = reckoned(
        release("a", 50),
        bad,
        release("back", 38, previous="b", restores="a"),
        release("c", 20, State.FAILED, previous="back"),
        release("d", 10, previous="back"),
        a=[(UNTIL - timedelta(hours=52)).timestamp()],
        d=[(UNTIL - timedelta(hours=h)).timestamp() for h in (11, 13)],
    )
    assert (found.deploys, found.served, found.failed) == (4, 3, 2)
    assert found.per_day == pytest.approx(3 / 90)
    assert found.failure_rate == 0.5
    # b was wrong from when it served to when the rollback did, c from its start to when it was taken back.
    assert found.restore == pytest.approx((2.0 + 0.5) / 2 * HOUR)
    assert found.lead == pytest.approx(2.5 * HOUR)
    assert found.weeks[-1] == (2, 2)


def test_what_needed_a_person_is_mended_by_the_next_that_serves() -> None:
    assert reckoned(release("a", 10, State.BROKEN)).restore is None
    assert reckoned(release("a", 10, State.BROKEN), release("b", 5)).restore == pytest.approx(5.5 * HOUR)


def test_a_build_that_fails_is_no_deploy_and_no_time_to_restore() -> None:
    good, unbuilt = release("a", 9), release("b", 5, State.FAILED, took=3, reached=False)
    assert reckoned(good, unbuilt) == reckoned(good)
    found = reckoned(good, unbuilt, release("c", 2, State.BROKEN, reached=False))
    assert (found.deploys, found.failed, found.restore) == (2, 1, None)


@pytest.mark.parametrize("worst_first", [True, False])
def test_a_release_that_one_host_came_to_serve_reached_what_serves(worst_first: bool) -> None:
    both = [release("a", 5, State.FAILED, reached=reached) for reached in (worst_first, not worst_first)]
    ((one, _),) = merged({"app1": [both[0]], "app2": [both[1]]})
    assert one.reached


@pytest.mark.parametrize(
    ("named", "counted"),
    [("^docker compose build", 0), ("^docker compose run", 1), ("^replace frontend$", 1)],
)
def test_a_deploy_that_fails_counts_once_it_reached_what_serves(
    inv: Inv, capsys: Capture, named: str, counted: int
) -> None:
    host = SimHost()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 0
    host.asked.clear()
    host.fault = Fault(0, 1, named=named)
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == 4
    capsys.readouterr()
    assert inv("history.stats", "--json", on=[host]) == 0
    (row,) = json.loads(capsys.readouterr().out)["result"]
    assert (row["deploys"], row["failed"]) == (1 + counted, counted)


releases = st.lists(
    st.builds(
        release,
        st.sampled_from("abcdefgh"),
        st.floats(0, 24 * 120),
        st.sampled_from(State),
        st.floats(-1, 5),
        previous=st.sampled_from(["", *"abcdefgh"]),
        restores=st.sampled_from(["", "", *"abcd"]),
        reached=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(releases, st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.floats(0, 2e9), max_size=4)))
def test_the_keys_hold_together(found: list[Release], commits: dict[str, list[float]]) -> None:
    told = stats(found, commits, SINCE, UNTIL)
    assert 0 <= told.failed <= told.deploys
    assert told.served <= told.deploys
    assert sum(good + bad for good, bad in told.weeks) == told.deploys
    assert sum(bad for _, bad in told.weeks) == told.failed
    assert (told.failure_rate is None) == (told.per_day is None) == (told.deploys == 0)
    assert told.restore is None or told.restore >= 0
    assert told.lead is None or told.lead >= 0
    assert told.deploys or told.lead is told.restore is None
    assert stats(reversed(found), commits, SINCE, UNTIL).failed == told.failed
    assert page([Delivered("x", told)], SINCE, UNTIL).startswith("<!doctype html>")


def test_a_release_of_several_hosts_is_one_run_and_as_bad_as_the_worst() -> None:
    by_host = {"app1": [release("a", 5)], "app2": [release("a", 5, State.BROKEN)]}
    (run,) = past("lab", by_host, ())
    assert (run.result, run.hosts) == ("needs a person", ("app1", "app2"))
    assert len(merged(by_host)) == 1


def test_a_journal_adds_what_no_host_knows() -> None:
    one = release("20241130_190000-aaaaaaa", 5)
    begun = one.started
    journaled = [
        Journaled("deploy", "20241130_190000", "deploy main", "done", begun, 1.0, ("app1",)),
        Journaled("deploy", "20241130_200000", "deploy main", "refused", begun, 1.0, ("app1",)),
        Journaled("backup", "20241130_190000", "backup", "done", begun, 1.0, ("app1",)),
        Journaled("backup", "x", "backup", "done", "yesterday", 1.0, ()),
    ]
    found = past("lab", {"app1": [one]}, journaled)
    assert sorted((run.what, run.result, run.source) for run in found) == [
        ("backup", "done", "journal"),
        ("deploy main", "done", "hosts"),
        ("deploy main", "refused", "journal"),
    ]


def test_the_list_has_what_hosts_and_journals_know(inv: Inv, capsys: Capture) -> None:
    host = SimHost(world=deployed())
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == 0
    assert inv("backup", on=[host]) == 0
    capsys.readouterr()
    assert inv("history", on=[host]) == 0
    assert "could not be read" not in "".join(capsys.readouterr())
    assert inv("history", "--json", on=[host]) == 0
    rows = json.loads(capsys.readouterr().out)["result"]
    assert [(row["what"], row["source"]) for row in rows[:2]] == [
        ("backup", "journal"),
        ("deploy v1.2.4", "hosts"),
    ]
    assert inv("history", "--limit", "1", "--json", on=[host]) == 0
    assert len(json.loads(capsys.readouterr().out)["result"]) == 1


def test_where_nothing_was_done_it_says_so(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    page_file = tmp_path / "stats.html"
    assert inv("history", on=[SimHost()]) == 0
    assert "Nothing was recorded yet." in capsys.readouterr().out
    assert inv("history.stats", "--html", str(page_file), on=[SimHost()]) == 0
    out = capsys.readouterr().out
    assert "No deploy was recorded in the last 90d." in out
    assert f"Report: {page_file}" in out
    assert "No deploy was recorded" in page_file.read_text()


def gone(host: str) -> SimHost:
    return SimHost(host, fault=Fault(0, ConnectionLost, lasts=True))


def test_hosts_that_cannot_be_asked_are_no_hosts_without_deploys(
    inv: Inv, capsys: Capture, tmp_path: Path
) -> None:
    page_file = tmp_path / "stats.html"
    words = ("history.stats", "--html", str(page_file))
    assert inv(*words, on=[gone("app1")]) == 8
    out = "".join(capsys.readouterr())
    assert "staging: not known: no host could be asked" in out
    assert "No deploy was recorded" not in out
    assert "Not known: no host could be asked." in page_file.read_text()
    assert "No deploy was recorded" not in page_file.read_text()
    assert inv("history.stats", "--json", on=[gone("app1")]) == 8
    (row,) = json.loads(capsys.readouterr().out)["result"]
    assert (row["env"], row["deploys"], row["failure_rate"]) == ("staging", None, None)
    assert inv("history", on=[gone("app1")]) == 8
    assert "Nothing was recorded" not in "".join(capsys.readouterr())


def test_figures_say_which_hosts_they_are_without(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    config = yaml.safe_load(test_tasks.CONFIG)
    config["hosts"] = [{"name": name, "address": f"{name}.example"} for name in ("app1", "app2")]
    (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(config))
    page_file = tmp_path / "stats.html"
    words = ("history.stats", "--html", str(page_file))
    assert inv(*words, on=[SimHost("app1"), gone("app2")]) == 8
    out = "".join(capsys.readouterr())
    assert "No deploy was recorded in the last 90d on the hosts that answered." in out
    assert "staging: without app2, which could not be asked" in out
    assert "Without app2, which could not be asked." in page_file.read_text()


def test_torn_and_foreign_lines_are_counted_and_told(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    host = SimHost(world=deployed())
    assert inv("backup", on=[host]) == 0
    (journal,) = (tmp_path / "state").rglob("backup-*.jsonl")
    with journal.open("a") as file:
        file.write('{"t": "2024-\n[1]\n{"event": 5}\n')
    capsys.readouterr()
    assert inv("history", on=[host]) == 0
    assert "staging: 3 lines of journals could not be read" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("history", "--limit", "0"), ("history.stats", "--since", "ever")])
def test_what_means_nothing_is_refused(inv: Inv, words: tuple[str, ...]) -> None:
    assert inv(*words, on=[SimHost()]) == 2


def test_commit_times_come_from_git_and_survive_a_commit_that_is_gone(tmp_path: Path) -> None:
    words = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*words, "init", "-q"], check=True)
    for second in (1700000000, 1700000100):
        when = f"{second} +0000"
        subprocess.run(
            [*words, "commit", "-q", "--allow-empty", "-m", "x"],
            check=True,
            env={"PATH": "/usr/bin:/bin", "GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when},
        )
    gone = f"{'f' * 40}..HEAD"
    done = bash(git.commit_times(("HEAD^!", "HEAD~1^!", gone)), tmp_path)
    assert git.parse_commit_times(done.stdout) == {
        "HEAD^!": (1700000100.0,),
        "HEAD~1^!": (1700000000.0,),
        gone: (),
    }
