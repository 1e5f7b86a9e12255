"""A run ends at any moment, in any way: every request is answered, and the next run puts everything right."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import aftermath
import blows
import pytest
from blows import Blow
from box import AsLeft, Box
from data import shrink
from deploy_kit import Operator, Running
from load import failed, load

from schedgen_ops.lab import hosts as lab_hosts
from schedgen_ops.lab.place import Place

TAGS = ("v1.2.3", "v1.2.4")
SHORT = 3.0
"""Seconds: the half of a shorter step is about what it takes to see it begin and to strike."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a run is ended: some seconds after a step has begun. `place` is for a reader."""

    step: str
    place: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.place} {self.step}"


@pytest.fixture
def host(as_left: AsLeft) -> Box:
    return as_left.box


@pytest.fixture
def op(lab: Place, as_left: AsLeft, tmp_path: Path) -> Operator:
    """An operator of host 1, which is on one of the tags behind the ingress."""
    operator = Operator(lab, tmp_path, (as_left.box,)).configure(health={"settle": 1})
    if as_left.fresh:
        shrink(as_left.box)
        operator.deploy(TAGS[0])
    return operator


def moments(op: Operator) -> tuple[Moment, ...]:
    """The table: before and in the middle of each step that the last run had; after it is before the next.

    The middle of a short step is its beginning by the time that a run can be struck there: `make soak` tries
    both.
    """
    lines = [json.loads(line) for line in op.newest("jsonl").splitlines()]
    ended = [line for line in lines if line["event"] == "step.finished"]
    order = [line["title"] for line in lines if line["event"] == "step.started"]
    seconds = {line["title"]: line["seconds"] for line in ended}
    return tuple(
        moment
        for title in order
        for moment in (Moment(title, "before"), Moment(title, "in the middle of", seconds[title] / 2))
        if blows.ALL or moment.place == "before" or seconds[title] > SHORT
    )


def ended_at(host: Box, run: Running, moment: Moment, end: Blow) -> None:
    """Ends a run at a moment, or as soon as possible after it."""
    run.until(f"{moment.step} ===")
    time.sleep(moment.seconds)
    end(host, run)


def other(host: Box) -> str:
    """The tag that does not serve."""
    return TAGS[TAGS[0] == f"v{host.version()}"]


def test_a_run_that_is_killed_anywhere_fails_no_request_and_the_next_one_finishes_or_undoes_it(
    op: Operator, host: Box
) -> None:
    op.deploy(other(host))
    table = moments(op)
    assert len(table) > (20 if blows.ALL else 11)
    with load(host) as ended:
        for number, moment in enumerate(table):
            ended_at(host, op.start("deploy", "--branch", other(host)), moment, blows.killed)
            words = ("deploy.recover",) if number % 2 else ("deploy", "--branch", other(host))
            ran = op(*words)
            found = [f"killed {moment}, then {words[0]}: {text}" for text in aftermath.not_home(host, ran)]
            assert not found, "\n".join(found)
        assert not failed(ended())


def test_a_rollback_that_is_killed_and_runs_that_are_ended_otherwise(op: Operator, host: Box) -> None:
    op.deploy(other(host))
    found: list[str] = []
    rolling = Moment("Rolling update - Application services", "in the middle of", 1.5)
    back = Moment("Rolling back services", "in the middle of", 1.5)
    cases: tuple[tuple[str, Moment, Blow], ...] = (
        ("rollback", back, blows.killed),
        ("deploy", rolling, blows.interrupted),
        ("deploy", rolling, blows.cut),
    )
    with load(host) as ended:
        for task, moment, end in cases:
            words = (task, "--yes") if task == "rollback" else (task, "--branch", other(host))
            run = op.start(*words)
            ended_at(host, run, moment, end)
            code = run.wait().code
            if code == 0:
                found.append(f"{task}, ended {moment}: exit 0")
            found += [
                f"{task}, ended {moment}: {text}" for text in aftermath.not_home(host, op("deploy.recover"))
            ]
        found += [f"requests failed: {one}" for one in failed(ended())]
    assert not found, "\n".join(found)


def test_a_host_that_reboots_before_a_release_was_verified_comes_back_with_the_old_one(
    op: Operator, host: Box
) -> None:
    op.configure(health={"settle": 60})
    before = host.version()
    run = op.start("deploy", "--branch", other(host))
    run.until("Post-deployment verification ===")
    blows.rebooted(host, run)
    lab_hosts.wait(host.host, lambda _: None)
    assert run.wait().code not in (0, 3)
    assert {host.version() for _ in range(20)} == {before}
    ran = op("deploy.recover")
    assert list(aftermath.not_home(host, ran)) == []
    assert host.version() == before
