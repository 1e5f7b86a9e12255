"""Deploys with a job that no tier names and that the frontend waits for, on simulated hosts."""

from __future__ import annotations

import functools
from dataclasses import replace

from deploying import (
    ANSWER_LOST,
    RELEASE,
    SECOND,
    deploy,
    messages,
    untruths,
)
from going_back import recover, roll_back
from simulated import SimHost
from simulated_world import NEW, NEXT, World, fresh, image_id
from test_recovery import killed

NEWER = f"{SECOND}-{NEXT[:7]}"


@functools.cache
def deployed() -> World:
    """A world in which v1.2.3 was deployed by us, and its job ran."""
    host = SimHost(world=replace(fresh(), job=True))
    assert deploy(host).code == 0
    return host.world


def second(world: World, **behaviour: bool) -> SimHost:
    return SimHost(world=replace(world.copy(), **behaviour))  # type: ignore[arg-type]


def test_it_runs_once_at_each_release_and_before_what_waits_for_it() -> None:
    assert deployed().ran == (RELEASE,)
    host = second(deployed())
    outcome = deploy(host, branch="v1.2.4", run=SECOND)
    assert outcome.code == 0
    assert host.world.ran == (RELEASE, NEWER)
    assert host.world.changed.index("run init") < host.world.changed.index("up frontend")
    assert "Job init ended well (2.0s)" in messages(outcome)


def test_one_that_fails_keeps_what_waits_for_it_from_being_replaced() -> None:
    host = second(deployed(), bad=True)
    before = host.world.copy()
    outcome = deploy(host, branch="v1.2.4", run=SECOND)
    assert outcome.error is not None
    assert outcome.code == 4
    assert "Job init failed" in outcome.error.message
    assert "Error: no table" in outcome.error.detail
    assert "up frontend" not in host.world.changed
    assert not untruths(host, before, outcome, RELEASE, SECOND, NEXT)
    # Nobody misses it: the next deploy runs it.
    later = second(host.world, bad=False)
    assert deploy(later, branch="v1.2.4", run="20250115_150000").code == 0


def test_whatever_command_of_a_deploy_is_done_and_its_answer_lost_the_exit_code_tells_the_truth() -> None:
    reference = second(deployed())
    assert deploy(reference, branch="v1.2.4", run=SECOND).code == 0
    wrong: list[str] = []
    for number, name in enumerate(reference.asked):
        host = SimHost(world=deployed(), fault=replace(ANSWER_LOST, at=number))
        outcome = deploy(host, branch="v1.2.4", run=SECOND)
        found = untruths(host, deployed(), outcome, RELEASE, SECOND, NEXT)
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
        assert host.world.ran.count(NEWER) <= 1
        assert outcome.code == 0 or host.world.ran.count(RELEASE) == 1
    assert not wrong, "\n".join(wrong)


def test_what_a_killed_run_left_of_it_is_removed_and_none_is_run_again() -> None:
    world = killed(deployed(), 0, named="^run init")
    assert world.boxes["init"].release == NEWER
    host = SimHost(world=world)
    assert recover(host).code == 0
    assert "init" not in host.world.boxes
    assert host.world.ran == (RELEASE, NEWER)


def test_a_rollback_runs_none() -> None:
    host = second(deployed())
    assert deploy(host, branch="v1.2.4", run=SECOND).code == 0
    assert roll_back(host, to=RELEASE).code == 0
    assert host.world.ran == (RELEASE, NEWER)
    assert host.world.boxes["frontend"].image == image_id("frontend", NEW)
    assert host.world.boxes["init"].release == NEWER
