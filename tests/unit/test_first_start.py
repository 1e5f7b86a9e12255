"""A first deploy to a host where nothing of the project runs: all of it, or nothing that was not there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deploying import (
    ANSWER_LOST,
    ERROR,
    FIRST,
    INTERRUPTED,
    NEVER_ARRIVES,
    SECOND,
    deploy,
    messages,
    untruths,
)
from simulated import Fault, SimHost
from simulated_world import NEW, SERVICES, World, fresh


def nothing() -> World:
    return replace(fresh(), boxes={})


def test_what_holds_data_is_started_and_saved_before_the_schema_is_touched() -> None:
    host = SimHost(world=nothing())
    outcome = deploy(host)
    assert outcome.code == 0, outcome.error
    asked = host.asked

    def at(start: str) -> int:
        return next(number for number, name in enumerate(asked) if name.startswith(start))

    assert at("docker compose up postgres") < at("back up") < at("docker compose run")
    assert {*host.world.boxes} == {*SERVICES}
    assert asked.count("docker compose up postgres") == 1
    assert "Nothing runs here yet: what there is is saved once it does" in messages(outcome)
    assert not untruths(host, nothing(), outcome, "", FIRST, NEW)
    again = deploy(host, run=SECOND)
    assert (again.code, [name for name in host.asked[len(asked) :] if " up " in name]) == (0, [])


@pytest.mark.parametrize(
    "fault",
    [ERROR, NEVER_ARRIVES, ANSWER_LOST, INTERRUPTED, replace(NEVER_ARRIVES, lasts=True)],
    ids=["error", "never arrives", "answer lost", "interrupted", "cut off for good"],
)
def test_whichever_command_fails_nothing_is_left_or_the_next_deploy_takes_it_away(fault: Fault) -> None:
    reference = SimHost(world=nothing())
    assert deploy(reference).code == 0
    wrong: list[str] = []
    for number, name in enumerate(reference.asked):
        host = SimHost(world=nothing(), fault=replace(fault, at=number))
        outcome = deploy(host)
        found = untruths(host, nothing(), outcome, "", FIRST, NEW)
        if outcome.code == 4 and host.world.containers:
            found.append(f"left: {[box.service for box in host.world.containers]}")
        if outcome.code:
            host.fault = None
            later = deploy(host, run=SECOND)
            if later.code or {*host.world.boxes} != {*SERVICES}:
                found.append(f"the next deploy ends with {later.code}: {later.error}")
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
    assert not wrong, "\n".join(wrong)
