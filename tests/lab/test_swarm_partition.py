"""A Swarm whose nodes lose sight of one another in the middle of a deploy, and find together again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from blows import ALL
from box import Box, Ran
from deploy_kit import PATIENCE, wait_for
from partition import cut_off
from stack_kit import Stack
from swarm_stack import on_swarm, serves

from schedgen_ops.lab.place import Place

# The rolling update has `health.deadline` for each of two containers, and so has the way back.
_BOUND = 400


@dataclass(frozen=True, slots=True)
class Cut:
    """A node that the others lose sight of, in the middle of a deploy.

    Attributes:
        when: what the deploy says by then.
        code: how it ends.
    """

    title: str
    node: int
    when: str
    code: int

    def __str__(self) -> str:
        return self.title


ONLY_WE_REACH_IT = Cut("a node that only we reach", 2, "=== Step 4: ", 4)
# Most of it is waiting until nothing can be told to the Swarm: it is left to `make soak`.
WITHOUT_A_QUORUM = Cut("a first host without a quorum", 0, "update in progress", 5)
CUTS = (ONLY_WE_REACH_IT, WITHOUT_A_QUORUM) if ALL else (ONLY_WE_REACH_IT,)


@pytest.fixture(params=CUTS, ids=str)
def cut(request: pytest.FixtureRequest) -> Cut:
    """Each of them."""
    made: Cut = request.param
    return made


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The stack, deployed."""
    with on_swarm(lab, swarm, tmp_path) as bare:
        made = replace(bare, op=replace(bare.op, patience=_BOUND))
        made.deploy("v1")
        yield made


def test_a_deploy_whose_nodes_lose_sight_of_one_another_is_put_right(
    on: Stack, swarm: tuple[Box, ...], cut: Cut
) -> None:
    node = swarm[cut.node]
    ran = _cut_in_the_middle(on, node, [box for box in swarm if box != node], cut.when)
    assert ran.code == cut.code, ran.output
    if cut.code == 4:
        serves(swarm, "1")
    _assert_put_right(on, swarm)


def _cut_in_the_middle(on: Stack, node: Box, others: Sequence[Box], when: str) -> Ran:
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
