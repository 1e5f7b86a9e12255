"""A project that Compose runs on one host is moved to a Swarm, with its data; or Compose serves on."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from box import Box, Ran
from deploy_kit import PATIENCE, host_entry, wait_for
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

DOOR = 3000
_BOXES = "docker ps -aq --filter label=com.docker.compose.project=moved --format '{{.Names}}'"
_NO_STACK = """
docker stack rm moved
until [ -z "$(docker ps -aq --filter label=com.docker.stack.namespace=moved)" ]; do sleep 0.5; done
"""
_TASKS = "docker service ls --format '{{.Name}}'"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project `moved`, which Compose runs on the first node, with rows in its database."""
    with stack("moved", lab, swarm[0], tmp_path) as made:
        made.deploy("v1")
        _sql(made, "CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
        made.inside("store", "redis-cli", "set", "kept", "yes")
        try:
            yield made
        finally:
            # Compose's volumes are its own then.
            swarm[0].sh(_NO_STACK)


def _configure(on: Stack, lab: Place, swarm: tuple[Box, ...], **more: Any) -> None:
    """From now on the config says that a Swarm runs it."""
    file = on.op.folder / "config" / "lab.yaml"
    config = yaml.safe_load(file.read_text())
    config |= {"orchestrator": "swarm", "swarm": {"registry": "registry:5000"}, **more}
    config["hosts"] = [host_entry(lab, box) for box in swarm]
    file.write_text(yaml.safe_dump(config))


def _sql(on: Stack, statement: str) -> str:
    return on.inside("db", "psql", "-qAtU", "shop", "shop", "-c", f"'{statement}'")


def test_a_project_is_moved_from_compose_to_a_swarm(on: Stack, lab: Place, swarm: tuple[Box, ...]) -> None:
    before = swarm[0].sh(_BOXES)
    _configure(on, lab, swarm)
    _assert_refused_and_planned(on)
    _assert_taken_back(on, swarm, before)
    _assert_killed_and_put_right(on, swarm, before)
    _assert_moved(on, swarm)
    _assert_no_way_back(on, swarm)


def _assert_refused_and_planned(on: Stack) -> None:
    """No deploy passes over what Compose runs; the plan names what is there."""
    ran = on.op("deploy", "--branch", "v1")
    assert (ran.code, "`inv swarm.plan` tells" in ran.output) == (3, True), ran.output
    plan = on.op("swarm.plan", "--branch", "v1")
    assert plan.code == 0, plan.output
    words = " ".join(plan.output.split())
    assert "db moved_base app1 (" in words, plan.output
    assert "size unknown" not in words, plan.output
    assert "3000 app1 every node" in words, plan.output
    assert "db, store, web" in words, plan.output
    assert "a backup of db" in words, plan.output


def _assert_taken_back(on: Stack, swarm: tuple[Box, ...], before: str) -> None:
    """A release that does not get well leaves Compose serving, in the containers of before."""
    ran = on.op("swarm.move", "--branch", "v2", "--yes")
    assert (ran.code, "The old release serves, by Compose" in ran.output) == (4, True), ran.output
    _measured(ran, "the longest gap was")
    _assert_compose_serves(on, swarm, before)


def _measured(ran: Ran, what: str) -> None:
    """Told with the test's result, where that is asked for."""
    told = [line for line in ran.output.splitlines() if what in line]
    assert told, ran.output
    sys.stdout.write(f"measured: {told[0].strip()}\n")


def _assert_compose_serves(on: Stack, swarm: tuple[Box, ...], before: str) -> None:
    assert swarm[0].sh(_TASKS) == ""
    assert swarm[0].sh(_BOXES) == before
    assert swarm[0].get("/", port=DOOR) == "1"
    assert _sql(on, "SELECT count(*) FROM orders") == "1000"
    assert on.inside("store", "redis-cli", "get", "kept") == "yes"
    policies = swarm[0].sh(f"docker inspect --format '{{{{.HostConfig.RestartPolicy.Name}}}}' $({_BOXES})")
    assert "always" in policies.split()


def _assert_killed_and_put_right(on: Stack, swarm: tuple[Box, ...], before: str) -> None:
    """A run killed in the gap: nobody goes on over it, and one command has Compose serve again."""
    run = on.op.start("swarm.move", "--branch", "v1", "--yes")
    run.until("=== Step 4: ")
    run.signal(signal.SIGKILL)
    run.wait()
    for words in (("deploy", "--branch", "v1"), ("swarm.move", "--branch", "v1", "--yes")):
        ran = on.op(*words, "--wait", "60s")
        assert (ran.code, "`inv deploy.recover`" in ran.output) == (3, True), ran.output
    began = time.monotonic()
    ran = on.op("deploy.recover", "--wait", "60s")
    sys.stdout.write(f"measured: put right in {time.monotonic() - began:.1f} s\n")
    assert (ran.code, "Compose runs what it ran" in ran.output) == (0, True), ran.output
    _assert_compose_serves(on, swarm, before)
    again = on.op("deploy.recover")
    assert (again.code, "nothing was left to put right" in again.output) == (0, True), again.output


def _assert_moved(on: Stack, swarm: tuple[Box, ...]) -> None:
    ran = on.op("swarm.move", "--branch", "v1", "--yes")
    assert ran.code == 0, ran.output
    _measured(ran, "the gap was ")
    wait_for(lambda: all(box.get("/", port=DOOR) == "1" for box in swarm), "all nodes to answer", PATIENCE)
    assert swarm[0].sh(_BOXES + " --filter status=exited") == ""
    assert swarm[0].sh("docker network ls -q --filter scope=local --filter name=moved") == ""
    count = on.op("exec", "db", "--", "psql", "-qAtU", "shop", "-c", "SELECT count(*) FROM orders")
    assert count.stdout.strip() == "1000", count.output
    kept = on.op("exec", "store", "--", "redis-cli", "get", "kept")
    assert kept.stdout.strip() == "yes", kept.output
    assert any(row["backup"].startswith("pre-deployment") for row in on.op.document("backup.list")["result"])


def _assert_no_way_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Where a rollback would cross the move it says so; deploys go on as on any Swarm."""
    ran = on.op("rollback", "--yes")
    assert (ran.code, "was run by Compose" in ran.output) == (3, True), ran.output
    assert on.op.document("rollback.list")["result"] == []
    ran = on.op("deploy", "--branch", "v1")
    assert (ran.code, "No service had changed" in ran.output) == (0, True), ran.output
    again = on.op("swarm.plan", "--branch", "v1")
    assert (again.code, "Compose runs nothing" in again.output) == (3, True), again.output
    assert swarm[1].get("/", port=DOOR) == "1"
