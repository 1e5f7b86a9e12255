"""Migrations or the database taken back by a rollback on a Swarm, whose database is not on the first node."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import blows
import pytest
import yaml
from box import Box, Ran
from stack_kit import Stack
from swarm_stack import on_swarm, serves, sql

from schedgen_ops.lab.place import Place

_BACK = ("rollback", "--revert-migrations", "--yes")
_RESTORED = ("rollback", "--restore-database", "--yes")
_FIRST, _ALL = ["n"], ["n", "note", "paid"]


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project `schema`, and an operator whose config has all three nodes."""
    with on_swarm(lab, swarm, tmp_path, shape="schema") as made:
        yield made


def test_a_rollback_takes_migrations_back_or_the_newer_release_serves_with_them(
    on: Stack, swarm: tuple[Box, ...], tmp_path: Path
) -> None:
    on.deploy("v1")
    on.deploy("v2")
    assert _columns(on) == _ALL
    _assert_refused_without_a_way_back(on, tmp_path)
    _assert_refused_without_the_node_of_the_database(on, tmp_path)
    _assert_given_up_where_the_older_release_is_not_well(on, swarm)
    _assert_put_right_after_a_kill(on, swarm)
    back = on.op(*_BACK)
    assert back.code == 0, back.output
    assert [back.output.count(f"Migration reverted: migrations/{n}.sql") for n in (1, 2, 3)] == [0, 1, 1]
    serves(swarm, "1")
    assert (_columns(on), sql(on, "SELECT name FROM done")) == (_FIRST, "1.sql")
    assert _jobs(swarm[0]) == []
    _assert_the_database_is_taken_back(on, swarm)


def _assert_the_database_is_taken_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    """As it was when the newer release came; a run that is killed at the exchange changes nothing."""
    on.deploy("v2")
    sql(on, "INSERT INTO orders (n) VALUES (7), (8)")
    with blows.gate(swarm[1]):
        blows.shut(swarm[1], "-v from=")
        run = on.op.start(*_RESTORED)
        blows.struck(swarm[1], run, blows.killed)
        ran = on.op("deploy.recover", "--wait", "60s")
    assert (ran.code, "was taken back; " in ran.output) == (0, True), ran.output
    assert (_columns(on), sql(on, "SELECT count(*) FROM orders WHERE n IN (7, 8)")) == (_ALL, "2")
    serves(swarm, "2")
    back = on.op(*_RESTORED)
    assert back.code == 0, back.output
    assert "web stopped for" in back.output
    serves(swarm, "1")
    assert (_columns(on), sql(on, "SELECT count(*) FROM orders WHERE n IN (7, 8)")) == (_FIRST, "0")
    kept = "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop_before_%'"
    assert sql(on, kept) == "1"


def _columns(on: Stack) -> list[str]:
    """What the schema is, as the database says."""
    return sql(
        on, "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    ).split()


def _jobs(box: Box) -> list[str]:
    """The jobs that the Swarm still has."""
    return box.sh("docker service ls --format '{{.Name}}' | grep migrate || true").split()


def _assert_refused(ran: Ran, code: int, why: str) -> None:
    assert (ran.code, why in ran.output) == (code, True), ran.output
    assert "=== Step 1" not in ran.output


@contextmanager
def _config(folder: Path, change: Callable[[dict[str, Any]], object]) -> Iterator[None]:
    """The operator's config is another one for as long as the block lasts."""
    file = folder / "config" / "lab.yaml"
    written = file.read_text()
    config = yaml.safe_load(written)
    change(config)
    file.write_text(yaml.safe_dump(config))
    try:
        yield
    finally:
        file.write_text(written)


def _assert_refused_without_a_way_back(on: Stack, folder: Path) -> None:
    with _config(folder, lambda config: config["migrations"].pop("revert")):
        _assert_refused(on.op(*_BACK), 2, "nothing reverts the last migration here")


def _assert_refused_without_the_node_of_the_database(on: Stack, folder: Path) -> None:
    with _config(folder, lambda config: config["hosts"][1].update(port=1)):
        _assert_refused(on.op(*_BACK), 3, "db runs on no node of the config; app2 did not answer")
    assert _columns(on) == _ALL


def _assert_given_up_where_the_older_release_is_not_well(on: Stack, swarm: tuple[Box, ...]) -> None:
    """By then both are reverted: they are applied again before the newer release, which needs them."""
    sql(on, "INSERT INTO sick VALUES ('1')")
    ran = on.op(*_BACK)
    assert (ran.code, "Migration reverted: migrations/2.sql" in ran.output) == (4, True), ran.output
    assert _columns(on) == _ALL
    serves(swarm, "2")
    sql(on, "DELETE FROM sick")


def _assert_put_right_after_a_kill(on: Stack, swarm: tuple[Box, ...]) -> None:
    """The operator's process is gone when the first one is reverted and the second one is not."""
    with blows.gate(swarm[0]):
        blows.shut(swarm[0], "^service logs ")
        run = on.op.start(*_BACK)
        blows.struck(swarm[0], run, blows.killed)
        assert _columns(on) == ["n", "paid"]
        assert run.process.returncode == -signal.SIGKILL
        ran = on.op("deploy.recover", "--wait", "60s")
    assert (ran.code, "was taken back; " in ran.output) == (0, True), ran.output
    assert _columns(on) == _ALL
    serves(swarm, "2")
    again = on.op("deploy.recover")
    assert (again.code, "nothing was left to put right" in again.output) == (0, True), again.output
