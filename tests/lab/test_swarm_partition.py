"""A Swarm whose nodes lose sight of one another in the middle of a deploy, and find together again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from box import Box, Ran
from deploy_kit import PATIENCE, wait_for
from partition import cut_off
from stack_kit import Stack
from swarm_stack import on_swarm, serves

from schedgen_ops.lab.place import Place

# The rolling update has `health.deadline` for each of two containers, and so has the way back.
_BOUND = 400


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The stack, deployed."""
    with on_swarm(lab, swarm, tmp_path) as bare:
        made = replace(bare, op=replace(bare.op, patience=_BOUND))
        made.deploy("v1")
        yield made


def test_a_node_that_only_we_reach_has_the_release_taken_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    first, second, third = swarm
    ran = _cut_in_the_middle(on, third, (first, second))
    assert ran.code == 4, ran.output
    serves(swarm, "1")
    _assert_put_right(on, swarm)


def test_a_first_host_without_a_quorum_ends_the_deploy_in_doubt(on: Stack, swarm: tuple[Box, ...]) -> None:
    first, second, third = swarm
    ran = _cut_in_the_middle(on, first, (second, third), "update in progress")
    assert ran.code == 5, ran.output
    _assert_put_right(on, swarm)


def _cut_in_the_middle(on: Stack, node: Box, others: Sequence[Box], when: str = "=== Step 4: ") -> Ran:
    """What became of a deploy while a node was cut off; in bounded time, and all nodes answer meanwhile."""
    run = on.op.start("deploy", "--branch", "v2")
    run.until(when)
    began = time.monotonic()
    with cut_off(node, others):
        ran = run.wait()
        assert time.monotonic() - began < _BOUND, ran.output
        for box in (node, *others):
            assert box.get("/", port=3000) in ("1", "2"), box.name
    return ran


def _assert_put_right(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Once they see one another again, a recovery says what serves, and a deploy goes through."""
    listing = "docker node ls --format '{{.Status}} {{.ManagerStatus}}'"

    def together() -> bool:
        told = swarm[0].sh(f"{listing} 2> /dev/null || true").splitlines()
        return len(told) == len(swarm) and all(line in ("Ready Leader", "Ready Reachable") for line in told)

    wait_for(together, "the nodes to find together", PATIENCE)
    recovered = on.op("deploy.recover", "--wait", "60s")
    assert recovered.code == 0, recovered.output
    serves(swarm, "1")
    assert on.deploy("v2")
    serves(swarm, "2")
