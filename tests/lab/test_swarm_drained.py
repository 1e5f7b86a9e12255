"""A Swarm whose first host has no work, as managers often have none; and a canary's node that is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import Box
from deploy_kit import wait_for
from load import failed, loads
from stack_kit import Stack
from swarm_stack import DOOR, on_swarm, url

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place

_CANARY = (
    "docker service ps -q --filter desired-state=running "
    "$(docker service ls -q --filter label=schedgen.canary)"
)


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project, on a Swarm whose first host is drained."""
    swarm[0].sh("docker node update --availability drain app1")
    with on_swarm(lab, swarm, tmp_path, shape="canary") as made:
        yield made


def test_a_first_host_without_work_deploys_watches_and_looks(on: Stack, swarm: tuple[Box, ...]) -> None:
    _, second, third = swarm
    on.deploy("v1")
    with loads(url(second), url(third)) as ended:
        _assert_followed(on)
        _assert_looked_at(on)
        assert failed(ended()) == []
    _assert_taken_back(on, swarm)
    back = on.op("rollback", "--yes")
    assert back.code == 0, back.output
    assert {box.get("/", port=DOOR) for box in (second, third)} == {"1"}
    _assert_a_node_of_the_canary_may_go(on, swarm)


def _assert_followed(on: Stack) -> None:
    words = ("--branch", "v2", "--canary", "25", "--pause", "8", "--duration", "4")
    ran = on.op("deploy.guarded", *words)
    assert (ran.code, "The canary does well" in ran.output) == (0, True), ran.output
    shares = [
        int(new) / int(every) for new, every in re.findall(r"answered (\d+) of (\d+) requests", ran.output)
    ]
    assert len(shares) == 2, ran.output
    assert all(0.2 <= share <= 0.27 for share in shares), shares


def _assert_looked_at(on: Stack) -> None:
    for task in ("verify.quick", "verify.endpoints"):
        looked = on.op(task)
        assert (looked.code, "its ports are not asked" in looked.output) == (0, True), looked.output
    # How busy this machine is, is no trouble of the Swarm's.
    named = [row for row in on.op.document("doctor")["result"] if row["cause"] != "host resources"]
    assert [(row["cause"], row["host"]) for row in named] == [("node without work", "app1")], named


def _assert_taken_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    with loads(f"{url(swarm[1])}work"):
        ran = on.op("deploy.guarded", "--branch", "v3", "--duration", "30")
    assert (ran.code, "Error rate (" in ran.output) == (4, True), ran.output
    assert "The old release serves" in ran.output
    assert {box.get("/", port=DOOR) for box in swarm[1:]} == {"2"}


def _assert_a_node_of_the_canary_may_go(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Requests to what ran there fail for some seconds; afterwards the release that is said serves all."""
    run = on.op.start(
        "deploy.guarded", "--branch", "v2", "--canary", "25", "--pause", "20", "--duration", "4"
    )
    run.until("Canary: 25%")
    node = swarm[0].sh(f"docker inspect --format '{{{{.NodeID}}}}' $({_CANARY})")
    name = swarm[0].sh(f"docker node inspect --format '{{{{.Description.Hostname}}}}' {node}")
    lost, stays = (swarm[1], swarm[2]) if name == "app2" else (swarm[2], swarm[1])
    docker.run("kill", lost.host.container)
    try:
        ran = run.wait()
        assert "the node is lost" in ran.output, ran.output
        assert (ran.code, "The old release serves" in ran.output) in ((0, False), (4, True)), ran.output
        serving = "1" if ran.code else "2"
        wait_for(lambda: all(stays.get("/", port=DOOR) == serving for _ in range(5)), "one release", 10)
    finally:
        docker.run("start", lost.host.container)
