"""Emergencies on a Swarm of three nodes: lost data, spoilt files, a stack that was removed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import Box
from stack_kit import Stack
from swarm_stack import on_swarm, serves, sql

from schedgen_ops.lab.place import Place

_CONTROL = "$(docker volume inspect --format '{{.Mountpoint}}' swarmed_base)/global/pg_control"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The stack, deployed, with rows in its database and a backup of them, which is on the second node."""
    with on_swarm(lab, swarm, tmp_path) as made:
        made.deploy("v1")
        sql(made, "DROP TABLE IF EXISTS orders; CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
        backed = made.op("backup.database")
        assert backed.code == 0, backed.output
        yield made


def test_a_swarm_comes_back_from_what_was_lost(on: Stack, swarm: tuple[Box, ...]) -> None:
    _assert_database_restored(on, swarm)
    _assert_started_after_a_killed_one(on, swarm)
    _assert_removed_stack_comes_back(on, swarm)
    _assert_spoilt_files_set_aside(on, swarm)


def _rows(on: Stack) -> str:
    return sql(on, "SELECT count(*) FROM orders")


def _assert_database_restored(on: Stack, swarm: tuple[Box, ...]) -> None:
    """While the manager has its users stopped; whoever comes next starts them where that is killed."""
    asked = on.op("deploy.preflight", "--branch", "v1")
    assert (asked.code, "manual-" in asked.output, "was never restored" in asked.output) == (0, True, True)
    sql(on, "DELETE FROM orders")
    ran = on.op("emergency.database", "--yes")
    assert (ran.code, "Started: web" in ran.output) == (0, True), ran.output
    assert _rows(on) == "1000"
    serves(swarm, "1")
    run = on.op.start("emergency.database", "--yes")
    run.until("=== Restoring beside")
    run.signal(signal.SIGKILL)
    run.wait()
    ran = on.op("backup.restore", "manual", "--yes", "--wait", "60s")
    assert ran.code == 0, ran.output
    serves(swarm, "1")


def _assert_started_after_a_killed_one(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Everything is down by then: a restore says what to do, and the recovery starts all of it."""
    run = on.op.start("emergency.recover", "--yes")
    run.until("=== Starting the database")
    run.signal(signal.SIGKILL)
    run.wait()
    refused = on.op("backup.restore", "manual", "--yes", "--wait", "60s")
    assert (refused.code, "`inv deploy.recover`" in refused.output) == (3, True), refused.output
    ran = on.op("deploy.recover", "--wait", "60s")
    said = "what an emergency had taken down was started again"
    assert (ran.code, said in ran.output) == (0, True), ran.output
    serves(swarm, "1")
    assert _rows(on) == "1000"


def _assert_removed_stack_comes_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Somebody removed the whole stack, the ingress with it; and its data is older than its backup."""
    sql(on, "DELETE FROM orders")
    swarm[0].sh('docker stack rm swarmed; until [ -z "$(docker service ls -q)" ]; do sleep 0.5; done')
    ran = on.op("emergency.recover", "--yes")
    assert (ran.code, "Everything serves again" in ran.output) == (0, True), ran.output
    serves(swarm, "1")
    assert _rows(on) == "1000"


def _assert_spoilt_files_set_aside(on: Stack, swarm: tuple[Box, ...]) -> None:
    """A database that shows that it cannot start with its files gets new ones, and the backup's rows."""
    second = swarm[1]
    second.sh(f"dd if=/dev/zero of={_CONTROL} bs=8192 count=1 conv=notrunc 2> /dev/null", user="root")
    second.sh("docker ps -q --filter name=swarmed_db | xargs docker kill")
    ran = on.op("emergency.recover", "--yes")
    assert (ran.code, "are set aside in" in ran.output) == (0, True), ran.output
    assert _rows(on) == "1000"
    serves(swarm, "1")
    assert "files-0.tar.gz" in second.sh(f"ls {on.directory}/backups/safety-*")
    assert second.sh("docker ps -aq --filter name=schedgen-files") == ""
