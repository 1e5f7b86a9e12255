"""Objects on a Swarm: saved with the database on the node that has both, tried, restored, and recovered."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import Box
from deploy_kit import PATIENCE, wait_for
from stack_kit import Stack
from swarm_stack import on_swarm, serves, sql

from schedgen_ops.lab.place import Place


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The stack, deployed, with a row and two files."""
    with on_swarm(lab, swarm, tmp_path, shape="kept") as made:
        made.deploy("v1")
        sql(made, "DROP TABLE IF EXISTS notes; CREATE TABLE notes AS SELECT 1 AS n")
        _sh(made, "cd /files; rm -rf ./* ./.s*; mkdir -p d; echo one > a; echo 'it is two' > \"d/b c\"")
        yield made


def test_objects_come_back_with_their_database(on: Stack, swarm: tuple[Box, ...]) -> None:
    made = on.op("backup")
    assert made.code == 0, made.output
    (id_,) = {row["backup"] for row in _listed(on) if row["backup"].startswith("manual")}
    proven = on.op("backup.drill", "--id", id_)
    assert (proven.code, "Restore drill passed" in proven.output) == (0, True), proven.output
    _lose(on)
    restored = on.op("backup.restore", id_, "--yes")
    assert (restored.code, "web, files stopped for" in restored.output) == (0, True), restored.output
    _assert_there(on, swarm)
    _assert_killed_in_the_exchange(on, swarm, id_)
    _lose(on)
    recovered = on.op("emergency.recover", "--yes", "--id", id_)
    assert recovered.code == 0, recovered.output
    _assert_there(on, swarm)
    discarded = on.op("backup.discard", "--yes")
    assert discarded.code == 0, discarded.output
    assert _sh(on, "ls -A /files") == "a\nd"


def _assert_killed_in_the_exchange(on: Stack, swarm: tuple[Box, ...], id_: str) -> None:
    """Nothing of the store runs then; whoever comes next finds its node, and starts it."""
    run = on.op.start("backup.restore", id_, "--yes")
    run.until("=== Exchanging")
    store = "docker ps -q --filter label=com.docker.compose.service=files"
    wait_for(lambda: swarm[1].sh(store) == "", "the store to be stopped", PATIENCE)
    run.signal(signal.SIGKILL)
    run.wait()
    ran = on.op("deploy.recover", "--wait", "60s")
    assert (ran.code, "A restore was cut off while these were stopped" in ran.output) == (0, True), ran.output
    _assert_there(on, swarm)


def _listed(on: Stack) -> list[dict[str, str]]:
    return list(on.op.document("backup.list")["result"])


def _sh(on: Stack, script: str) -> str:
    ran = on.op("exec", "files", "--", "sh", "-c", script)
    assert ran.code == 0, ran.output
    return ran.stdout.strip()


def _lose(on: Stack) -> None:
    sql(on, "DELETE FROM notes")
    _sh(on, "rm -r /files/a /files/d; echo other > /files/e")


def _assert_there(on: Stack, swarm: tuple[Box, ...]) -> None:
    """All of the backup, nothing else, and nothing that held the volumes meanwhile."""
    assert sql(on, "SELECT count(*) FROM notes") == "1"
    assert _sh(on, "cd /files; find . -type f ! -path './.schedgen-*' | sort; cat a 'd/b c'") == (
        "./a\n./d/b c\none\nit is two"
    )
    assert swarm[1].sh("docker ps -aq --filter name=schedgen-objects") == ""
    serves(swarm, "1")
