"""The lock's commands, on a real machine."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from kit import bash, git, path, program

from schedgen_ops.lock import remote_commands
from schedgen_ops.lock.remote_commands import KeeperAnswer, Owner
from schedgen_ops.release.paths import Paths

ANN = Owner("ann", "lap'top $x", "2025-01-15T12:00:00Z", "deploy", "v1.2.3", "t0")
PATHS = Paths("/srv/schedgen")


@contextmanager
def holding(
    state: Path, lease: float = 20, owner: Owner = ANN, *, again: bool = False
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that takes the lock, and the first line that it prints."""
    words = ["bash", "--norc", "-o", "pipefail", "-c", _hold(state, owner, lease, again)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def _hold(state: Path, owner: Owner, lease: float, again: bool) -> str:
    # Whole seconds in production; bash takes fractions too, and tests have no time to lose.
    return remote_commands.hold(str(state), owner, lease, again=again).text  # type: ignore[arg-type]


def who(state: Path) -> KeeperAnswer:
    answer = bash(remote_commands.who(str(state)), state.parent)
    assert answer.ok, answer.stderr
    return remote_commands.parse(answer.stdout)


def wait_until_free(state: Path, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while who(state).state != "free":
        assert time.monotonic() < end, "the lock is still held"
        time.sleep(0.02)


def test_it_is_free_where_nothing_was_deployed_yet_and_asking_changes_nothing(tmp_path: Path) -> None:
    assert who(tmp_path / ".schedgen") == KeeperAnswer("free")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_held_by_one_and_the_second_is_told_by_whom(tmp_path: Path) -> None:
    state = tmp_path / "it's here" / ".schedgen"
    with holding(state) as (_, first), holding(state) as (_, second):
        assert remote_commands.parse(first).state == "acquired"
        assert remote_commands.parse(second) == KeeperAnswer("held", ANN)
        assert who(state) == KeeperAnswer("held", ANN)


def test_it_tells_which_release_serves(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("20250115_120000-abc1234\n")
    with holding(tmp_path) as (_, first):
        answer = remote_commands.parse(first)
        assert (answer.state, answer.current) == ("acquired", "20250115_120000-abc1234")


@pytest.mark.parametrize("end", ["closed", "killed", "terminated"])
def test_a_holder_that_ends_frees_it(end: str, tmp_path: Path) -> None:
    with holding(tmp_path) as (process, _):
        assert process.stdin is not None
        {"closed": process.stdin.close, "killed": process.kill, "terminated": process.terminate}[end]()
        wait_until_free(tmp_path)
    with holding(tmp_path) as (_, first):
        assert remote_commands.parse(first).state == "acquired"


def test_a_silent_holder_loses_it_after_its_lease(tmp_path: Path) -> None:
    with holding(tmp_path, lease=0.1):
        wait_until_free(tmp_path)


def test_a_lively_holder_keeps_it_beyond_its_lease(tmp_path: Path) -> None:
    for attempt in range(5):
        with holding(tmp_path / str(attempt), lease=0.5) as (process, _):
            longest = _give_signs(process, 4, 0.15)
            state = who(tmp_path / str(attempt)).state
        if longest < 0.3:  # else this machine was too busy for the signs to come in time
            assert state == "held"
            return
    pytest.fail("this machine is too busy to tell")


def _give_signs(process: subprocess.Popen[str], count: int, pause: float) -> float:
    """Writes some lines, and returns the longest time in seconds that it was silent."""
    assert process.stdin is not None
    longest, last = 0.0, time.monotonic()
    for _ in range(count):
        time.sleep(pause)
        process.stdin.write("\n")
        process.stdin.flush()
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


def says(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_a_keeper_says_back_what_it_hears(tmp_path: Path) -> None:
    with holding(tmp_path) as (process, _):
        assert [says(process, "1"), says(process, "2")] == ["1\n", "2\n"]


def test_who_takes_it_again_knows_whether_anybody_else_had_it_meanwhile(tmp_path: Path) -> None:
    bob = replace(ANN, user="bob", token="t1")
    with holding(tmp_path) as (_, line):
        first = remote_commands.parse(line)
        assert abs(first.at - time.time()) < 30
    wait_until_free(tmp_path)
    with holding(tmp_path) as (_, line):
        second = remote_commands.parse(line)
    assert second.before == first.mark != ""
    wait_until_free(tmp_path)
    with holding(tmp_path, owner=bob):
        pass
    wait_until_free(tmp_path)
    with holding(tmp_path) as (_, line):
        assert remote_commands.parse(line).before != second.mark


def test_a_run_takes_over_what_it_still_holds_itself_and_nothing_of_another(tmp_path: Path) -> None:
    with holding(tmp_path) as (dead, _):
        with holding(tmp_path) as (_, second):
            assert remote_commands.parse(second).state == "held"
        with holding(tmp_path, again=True) as (_, first):
            assert remote_commands.parse(first).state == "acquired"
            assert dead.wait(20) is not None
            assert who(tmp_path) == KeeperAnswer("held", ANN)
        wait_until_free(tmp_path)
    for other in (replace(ANN, token=""), replace(ANN, token="t1")):
        with holding(tmp_path) as (one, _), holding(tmp_path, owner=other, again=True) as (_, second):
            assert remote_commands.parse(second).state == "held"
            assert one.poll() is None
        wait_until_free(tmp_path)


def test_a_full_disk_keeps_nobody_from_the_lock_and_hides_no_owner(tmp_path: Path) -> None:
    (tmp_path / "lock.json").symlink_to("/dev/full")
    with holding(tmp_path) as (process, first):
        assert first.startswith("acquired")
        assert who(tmp_path) == KeeperAnswer("held", ANN)
        bob = replace(ANN, user="bob", token="t1")
        with holding(tmp_path, owner=bob) as (_, second):
            assert remote_commands.parse(second) == KeeperAnswer("held", ANN)
        assert bash(remote_commands.break_(str(tmp_path)), tmp_path).ok
        assert process.wait(20) is not None
    assert who(tmp_path) == KeeperAnswer("free")


def test_where_no_file_can_be_made_the_folder_is_locked(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("nowhere/lock")
    with holding(tmp_path) as (_, first):
        assert first.startswith("acquired")
        with holding(tmp_path, owner=replace(ANN, token="t1")) as (_, second):
            assert remote_commands.parse(second).state == "held"
        assert who(tmp_path) == KeeperAnswer("held", ANN)


def test_looking_takes_it_from_nobody(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    looking = ["flock", str(tmp_path / "lock"), "sleep", "0.05"]
    with subprocess.Popen(looking), holding(tmp_path) as (_, first):
        assert first.startswith("acquired")


def test_it_can_be_broken_and_the_next_one_gets_it(tmp_path: Path) -> None:
    with holding(tmp_path) as (process, _):
        assert bash(remote_commands.break_(str(tmp_path)), tmp_path).ok
        assert who(tmp_path) == KeeperAnswer("free")
        process.wait(20)


def test_a_guard_that_lost_the_first_signal_is_told_again(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / "guard").mkdir()
    deaf_once = 'trap "trap exit TERM" TERM; echo; while :; do sleep 0.05; done'
    words = ["flock", "--no-fork", str(tmp_path / "guard/lock"), "bash", "-c", deaf_once, "schedgen-guard"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as guard:
        assert guard.stdout is not None
        guard.stdout.readline()
        (tmp_path / "guard/owner.json").write_text(f'{{"pid":{guard.pid},"user":"ann"}}\n')
        try:
            assert bash(remote_commands.break_(str(tmp_path)), tmp_path).ok
            assert guard.wait(10) == 0
        finally:
            guard.kill()


def test_a_number_that_belongs_to_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    with subprocess.Popen(["sleep", "30"]) as bystander:
        (tmp_path / "lock.json").write_text(f'{{"pid":{bystander.pid},"user":"ann"}}\n')
        assert bash(remote_commands.break_(str(tmp_path)), tmp_path).ok
        assert bystander.poll() is None
        bystander.kill()


def test_a_lock_that_is_still_held_after_all_is_not_called_broken(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    program(tmp_path / "bin", "flock", "exit 1")
    assert not bash(remote_commands.break_(str(tmp_path)), tmp_path, PATH=path(tmp_path / "bin")).ok


def test_our_folder_is_kept_out_of_git_status_once(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    state = tmp_path / ".schedgen"
    for _ in range(2):
        with holding(state) as (process, first):
            assert first.startswith("acquired")
            process.kill()
            wait_until_free(state)
    assert (tmp_path / ".git/info/exclude").read_text().count("/.schedgen/") == 1
    assert git(tmp_path, "status", "--porcelain") == ""


def test_our_folder_is_kept_out_of_the_status_of_a_project_in_a_folder_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "deploy").mkdir()
    with holding(tmp_path / "deploy/.schedgen") as (_, first):
        assert first.startswith("acquired")
        assert git(tmp_path, "status", "--porcelain", "--untracked-files=all") == ""


def test_the_owner_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / ".schedgen"
    with holding(state):
        assert state.stat().st_mode & 0o077 == 0
        data = json.loads((state / "lock.json").read_text())
        assert (data["user"], data["machine"]) == ("ann", "lap'top $x")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("acquired \n", KeeperAnswer("acquired")),
        ("acquired r1\n", KeeperAnswer("acquired", current="r1")),
        ("acquired  at=7 before= mark=8.5\n", KeeperAnswer("acquired", at=7, mark="8.5")),
        ("acquired r1 at=x before=1 mark=\n", KeeperAnswer("acquired", current="r1", before="1")),
        ("free\n", KeeperAnswer("free")),
        ("held \n", KeeperAnswer("held")),
        ("held {torn\n", KeeperAnswer("held")),
        ("held 5\n", KeeperAnswer("held")),
        ("", KeeperAnswer("")),
    ],
)
def test_every_answer_is_read(line: str, answer: KeeperAnswer) -> None:
    assert remote_commands.parse(line) == answer


def test_an_owner_reads_as_a_sentence() -> None:
    assert str(Owner("ann", "laptop", "12:00", "deploy", "v1")) == "ann@laptop, deploy v1 since 12:00"
    assert str(Owner("ann", "laptop", "12:00", "backup", "")) == "ann@laptop, backup since 12:00"
    assert str(Owner("unknown", "unknown", "", "", "")) == "unknown@unknown"


def test_who_waits_goes_on_when_the_lock_is_free_and_had_it_never(tmp_path: Path) -> None:
    state = tmp_path / ".schedgen"
    with holding(state) as (keeper, first):
        assert first.startswith("acquired ")
        words = ["bash", "-c", remote_commands.await_free(str(state), 60).text]
        with subprocess.Popen(words) as waiting:
            assert keeper.stdin is not None
            assert waiting.poll() is None
            keeper.stdin.close()
            assert waiting.wait(60) == 0
    assert who(state).state == "free"


def test_who_waits_in_vain_is_told_so_and_the_holder_keeps_it(tmp_path: Path) -> None:
    state = tmp_path / ".schedgen"
    with holding(state):
        assert bash(remote_commands.await_free(str(state), 0), tmp_path).code == 1
        assert who(state).state == "held"


def test_where_nothing_was_deployed_yet_nobody_waits(tmp_path: Path) -> None:
    assert bash(remote_commands.await_free(str(tmp_path / ".schedgen"), 60), tmp_path).ok
    assert list(tmp_path.iterdir()) == []
