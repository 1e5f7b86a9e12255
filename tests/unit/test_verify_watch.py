"""The account of an extended verification, and the scripts that watch a host from the host."""

from __future__ import annotations

import time
from pathlib import Path

from fakes import result
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, path, program, quickly

from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Check, Limits
from schedgen_ops.verify import commands, plan
from schedgen_ops.verify.plan import Finding, Verdict
from schedgen_ops.verify.watch import Tally

GOOD, BAD = Finding("web", Verdict.PASSED, "200"), Finding("web", Verdict.FAILED, "answered 500")

LIMITS = Limits()


def account(*rounds: bool, duration: int = 600, interval: int = 10) -> Tally:
    tally = Tally(duration=duration, interval=interval)
    for good in rounds:
        tally = tally.add([GOOD if good else BAD])
    return tally


def test_the_progress_line_is_the_runbooks() -> None:
    assert account(True, False, True).line() == (
        "Progress: 30s / 600s | Checks: 3 | Failures: 1 (33.33%) | Consecutive: 0 | Remaining: 570s"
    )


def test_three_failures_in_a_row_are_too_many_even_if_it_went_well_afterwards() -> None:
    rounds = [True] * 50 + [False] * 3 + [True] * 50
    assert account(*rounds).verdict(LIMITS) == "3 consecutive checks failed (limit 3)"
    assert account(*[True] * 50, False, False, *[True] * 50).verdict(LIMITS) == ""


def test_more_errors_than_the_limit_are_too_many_and_as_many_are_not() -> None:
    assert account(False, *[True] * 9).verdict(LIMITS) == ""
    text = account(False, *[True] * 8).verdict(LIMITS)
    assert text == "Error rate (11.11%) exceeded threshold (10.00%)"


@quickly
@given(st.lists(st.booleans(), max_size=80), st.integers(1, 900), st.integers(1, 60))
def test_the_account_adds_up(rounds: list[bool], duration: int, interval: int) -> None:
    tally = account(*rounds, duration=duration, interval=interval)
    assert tally.checks == len(rounds)
    assert tally.failures == rounds.count(False)
    assert 0 <= tally.elapsed <= duration
    assert tally.consecutive <= tally.worst <= tally.failures
    assert 0 <= tally.percent <= 100
    if all(rounds):
        assert tally.verdict(LIMITS) == ""
    assert 1 <= tally.rounds <= max(1, duration)


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
    answer = bash(commands.settle(Docker(), ["id1", "id2"], seconds), tmp_path, PATH=path(programs))
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


def test_a_container_that_is_gone_already_is_an_error(tmp_path: Path) -> None:
    gone = program(tmp_path / "bin", "docker", "echo no such container >&2; exit 1")
    assert not bash(commands.settle(Docker(), ["id1"], 5), tmp_path, PATH=path(gone.parent)).ok


CURL = """
case ${*: -1} in
  *bad) echo refused >&2; printf '\\n000 0.2' ;;
  *) printf '\\n200 0.1' ;;
esac"""


def test_watching_asks_every_url_in_every_round_and_prints_a_line_a_round(tmp_path: Path) -> None:
    program(tmp_path / "bin", "sleep", f'echo "$1" >> "{tmp_path}/slept"')
    programs = program(tmp_path / "bin", "curl", CURL).parent
    checks = [Check(name="a", url="http://localhost/a?b=c"), Check(name="b", url="http://localhost/bad")]
    answer = bash(commands.watch(checks, 3, 60, 10), tmp_path, PATH=path(programs))
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    found = [plan.answers(checks, [result(part) for part in line]) for line in lines]
    assert [[finding.verdict for finding in row] for row in found] == [[Verdict.PASSED, Verdict.FAILED]] * 3
    assert found[0][1].text == "refused"
    # Only between rounds, and each pause ends when its round does, however long the requests took.
    pauses = [float(pause) for pause in (tmp_path / "slept").read_text().split()]
    assert len(pauses) == 2
    assert 50 < pauses[0] <= 60 < pauses[1] <= 120
