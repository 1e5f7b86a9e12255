"""The account of an extended verification, and the scripts that watch a host from the host."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from kit import bash, path, program, quickly

from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Limits
from schedgen_ops.shell import Command
from schedgen_ops.verify import remote_commands
from schedgen_ops.watch.round_stats import RoundStats
from schedgen_ops.watch.rules import CheckVerdict, Finding

GOOD, BAD = Finding("web", CheckVerdict.PASSED, "200"), Finding("web", CheckVerdict.FAILED, "answered 500")

LIMITS = Limits()


def stats_of(*rounds: bool, duration: int = 600, interval: int = 10) -> RoundStats:
    stats = RoundStats(duration=duration, interval=interval)
    for good in rounds:
        stats = stats.add([GOOD if good else BAD])
    return stats


def test_the_progress_line_is_the_runbooks() -> None:
    assert stats_of(True, False, True).line() == (
        "Progress: 30s / 600s | Checks: 3 | Failures: 1 (33.33%) | Consecutive: 0 | Remaining: 570s"
    )


def test_what_nobody_saw_is_said_and_is_neither_a_failure_nor_a_success() -> None:
    stats = stats_of(False, False).blind(4)
    assert stats.line() == (
        "Progress: 60s / 600s | Checks: 2 | Failures: 2 (100.00%) | Consecutive: 2 | Remaining: 540s"
        " | Unknown: 4"
    )
    again = stats.add([Finding("web", CheckVerdict.UNKNOWN, "")]).add([BAD])
    assert (again.unknown, again.consecutive, again.worst) == (5, 3, 3)
    assert again.add([GOOD]).consecutive == 0


def test_rounds_left_out_pass_time_and_nothing_else() -> None:
    stats = stats_of().add([GOOD], 1).add([GOOD], 7)
    assert (stats.checks, stats.elapsed, stats.unknown) == (2, 70, 0)
    assert stats.over().elapsed == 600


def test_three_failures_in_a_row_are_too_many_even_if_it_went_well_afterwards() -> None:
    rounds = [True] * 50 + [False] * 3 + [True] * 50
    assert stats_of(*rounds).verdict(LIMITS) == "3 consecutive checks failed (limit 3)"
    assert stats_of(*[True] * 50, False, False, *[True] * 50).verdict(LIMITS) == ""


def test_more_errors_than_the_limit_are_too_many_and_as_many_are_not() -> None:
    assert stats_of(False, *[True] * 9).verdict(LIMITS) == ""
    text = stats_of(False, *[True] * 8).verdict(LIMITS)
    assert text == "Error rate (11.11%) exceeded threshold (10.00%)"


@quickly
@given(st.lists(st.booleans(), max_size=80), st.integers(1, 900), st.integers(1, 60))
def test_the_account_adds_up(rounds: list[bool], duration: int, interval: int) -> None:
    stats = stats_of(*rounds, duration=duration, interval=interval)
    assert stats.checks == len(rounds)
    assert stats.failures == rounds.count(False)
    assert 0 <= stats.elapsed <= duration
    assert stats.consecutive <= stats.worst <= stats.failures
    assert 0 <= stats.percent <= 100
    if all(rounds):
        assert stats.verdict(LIMITS) == ""
    assert 1 <= stats.planned <= max(1, duration)


# The scripts that run on the host


def docker(tmp_path: Path, started: str, events: str) -> Path:
    body = f"""
case $1 in
  inspect) shift 3; for id in "$@"; do echo "{started}"; done ;;
  events) echo "$@" > "{tmp_path}/asked"; {events} ;;
esac"""
    return program(tmp_path / "bin", "docker", body).parent


def settle(tmp_path: Path, events: str, seconds: int = 5) -> str:
    programs = docker(tmp_path, "2025-01-15T12:00:00.5Z", events)
    answer = bash(remote_commands.settle(Docker(), ["id1", "id2"], seconds), tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    return answer.stdout


def test_the_wait_ends_when_the_youngest_container_is_old_enough(tmp_path: Path) -> None:
    assert settle(tmp_path, "true") == ""
    asked = (tmp_path / "asked").read_text()
    assert "--since 2025-01-15T12:00:00.5Z --until 1736942405" in asked
    assert "--filter event=die --filter=container=id1 --filter=container=id2" in asked


def test_the_wait_ends_at_once_when_a_container_dies(tmp_path: Path) -> None:
    began = time.monotonic()
    assert settle(tmp_path, "echo schedgen-backend-1 1; exec sleep 20") == "schedgen-backend-1 1\n"
    assert time.monotonic() - began < 10


def test_events_that_end_early_prove_nothing(tmp_path: Path) -> None:
    started = datetime.now(UTC)
    programs = docker(tmp_path, f"{started:%Y-%m-%dT%H:%M:%SZ}", "true")
    assert bash(remote_commands.settle(Docker(), ["id1"], 2), tmp_path, PATH=path(programs)).ok
    assert (datetime.now(UTC) - started).total_seconds() >= 1


def test_a_container_that_died_unseen_is_found_by_a_second_look(tmp_path: Path) -> None:
    body = f"""
case $1 in
  inspect) echo "2025-01-15T12:00:00.5Z$(cat "{tmp_path}/died" 2>/dev/null)" ;;
  events) echo " /schedgen-backend-1 137" > "{tmp_path}/died" ;;
esac"""
    programs = program(tmp_path / "bin", "docker", body).parent
    answer = bash(remote_commands.settle(Docker(), ["id1"], 5), tmp_path, PATH=path(programs))
    assert (answer.ok, answer.stdout) == (True, "schedgen-backend-1 137\n")


def test_what_docker_never_tells_is_not_known(tmp_path: Path) -> None:
    # The limit is the wait itself and half a minute: `date` is ahead.
    body = """
case $1 in
  inspect) echo "2999-01-15T12:00:00Z" ;;
  events) exit 1 ;;
esac"""
    programs = program(tmp_path / "bin", "docker", body).parent
    text = remote_commands.settle(Docker(), ["id1"], 1).text.replace("+ 30", "- 3")
    answer = bash(Command(text), tmp_path, PATH=path(programs))
    assert (answer.ok, answer.stderr) == (False, "Docker does not tell\n")


def test_a_container_that_is_gone_already_is_an_error(tmp_path: Path) -> None:
    gone = program(tmp_path / "bin", "docker", "echo no such container >&2; exit 1")
    assert not bash(remote_commands.settle(Docker(), ["id1"], 5), tmp_path, PATH=path(gone.parent)).ok
