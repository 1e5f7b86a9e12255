"""Single operations and diagnoses on a Swarm of three nodes: what visitors notice, and what is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from box import Box
from deploy_kit import PATIENCE, wait_for
from load import failed, loads
from stack_kit import Stack
from swarm_stack import on_swarm, url

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import REGISTRY, Place


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project `swarm`, and an operator whose config has all three nodes."""
    with on_swarm(lab, swarm, tmp_path) as made:
        file = tmp_path / "config" / "lab.yaml"
        config = yaml.safe_load(file.read_text())
        config["limits"] |= {"memory_percent": 100}
        config["migrations"] |= {
            "show": ["node", "-e", "console.log('x First $one')"],
            "revert": ["node", "-e", "process.exit(3)"],
            "applied": "^x (.+)$",
        }
        file.write_text(yaml.safe_dump(config))
        yield made


def test_services_are_worked_on_by_hand_and_visitors_notice_nothing(
    on: Stack, swarm: tuple[Box, ...]
) -> None:
    on.deploy("v1")
    with loads(url(swarm[0]), url(swarm[2])) as ended:
        _assert_restarted(on, swarm)
        _assert_scaled(on, swarm)
        assert failed(ended()) == []
    _assert_stopped_and_started(on, swarm)
    _assert_schema_moved(on)
    assert {row["host"] for row in on.op.document("ops.prune", "--yes")["result"]} == {"app1", "app2", "app3"}


def test_what_is_broken_is_named_with_its_reason_and_nothing_else_is(
    on: Stack, swarm: tuple[Box, ...]
) -> None:
    on.deploy("v1")
    assert _named(on) == {}
    _assert_session_named_and_ended(on, swarm[1])
    _assert_image_named(on, swarm)
    _assert_nodes_without_work_named(on, swarm)


def _done(on: Stack, *words: str) -> str:
    ran = on.op(*words)
    assert ran.code == 0, ran.output
    return ran.stdout


def _containers(box: Box, service: str) -> set[str]:
    """The containers of a service that run, as a manager knows them."""
    words = "--filter desired-state=running --format '{{.ID}} {{.CurrentState}}'"
    lines = box.sh(f"docker service ps {words} swarmed_{service}").splitlines()
    return {line.split()[0] for line in lines if line.split()[1] == "Running"}


def _assert_restarted(on: Stack, swarm: tuple[Box, ...]) -> None:
    """All containers are other ones, one after the other, each there before the one that it replaces ends."""
    before = _containers(swarm[0], "web")
    assert "web restarted: 2 containers seen well" in _done(on, "ops.restart", "web", "--yes")
    after = _containers(swarm[0], "web")
    assert (len(after), after & before) == (2, set())


def _assert_scaled(on: Stack, swarm: tuple[Box, ...]) -> None:
    kept = _containers(swarm[0], "web")
    assert "web has 4 containers" in _done(on, "ops.scale", "web", "4")
    assert len(_containers(swarm[0], "web")) == 4
    assert kept <= _containers(swarm[0], "web")
    assert "web has 2 containers" in _done(on, "ops.scale", "web", "2")
    assert len(_containers(swarm[0], "web")) == 2


def _assert_stopped_and_started(on: Stack, swarm: tuple[Box, ...]) -> None:
    assert "with 2 containers" in _done(on, "ops.stop", "web", "--yes")
    assert _containers(swarm[0], "web") == set()
    checked = on.op("verify.services")
    assert (checked.code, "it was stopped, and had 2" in checked.output) == (6, True), checked.output
    assert "web started: 2 containers seen well" in _done(on, "ops.start", "web")
    assert len(_containers(swarm[0], "web")) == 2
    # As on Compose a deploy starts what was stopped, and says so.
    _done(on, "ops.stop", "web", "--yes")
    assert "web: it was stopped, and is started" in on.deploy("v1")
    assert len(_containers(swarm[0], "web")) == 2


def _assert_schema_moved(on: Stack) -> None:
    """By a job of the release's image; nothing of it stays."""
    (row,) = on.op.document("ops.migrations")["result"]
    assert row == {"host": "app1", "state": "applied", "migration": "First $one"}
    assert "no migration is pending" in _done(on, "ops.migrate", "--yes")
    failing = on.op("ops.revert-migration", "--yes")
    assert (failing.code, "failed: task: non-zero exit (3)" in failing.stderr) == (5, True), failing.output
    services = on.box.sh("docker service ls --format '{{.Name}}'").split()
    assert {*services} == {f"swarmed_{name}" for name in ("db", "schedgen-ingress", "store", "web")}


def _named(on: Stack) -> dict[str, dict[str, Any]]:
    """What doctor names, by cause."""
    ran = on.op("doctor", "--json")
    rows = json.loads(ran.stdout)["result"]
    assert ran.code == (6 if rows else 0), ran.output
    # That the machine of the lab is busy is true, and no failure of what is tested here.
    return {row["cause"]: row for row in rows if row["cause"] != "host resources"}


def _until_named(on: Stack, *causes: str) -> dict[str, dict[str, Any]]:
    wait_for(lambda: {*_named(on)} == {*causes}, f"doctor to name {causes}", PATIENCE)
    return _named(on)


def _assert_session_named_and_ended(on: Stack, box: Box) -> None:
    psql = "docker exec $(docker ps -q --filter name=swarmed_db) psql -qAtU shop -c"
    box.sh(f"{psql} 'CREATE TABLE IF NOT EXISTS orders (n int)'")
    box.sh(f"nohup {psql} 'BEGIN; LOCK TABLE orders; SELECT pg_sleep(120)' > /dev/null 2>&1 &")
    box.sh(f"sleep 2; nohup {psql} 'SELECT * FROM orders' > /dev/null 2>&1 &")
    row = _until_named(on, "database locked")["database locked"]
    assert row["host"] == "app2"
    pid = row["fix"].removeprefix("inv ops.end-session ")
    assert f"session {pid} was ended" in _done(on, "ops.end-session", pid, "--yes")
    assert _until_named(on) == {}


def _assert_image_named(on: Stack, swarm: tuple[Box, ...]) -> None:
    """The registry is away, and no node has the image any more: those that run go on."""
    docker.run("stop", "--time", "1", REGISTRY)
    names = "docker images --digests --format '{{.Repository}}@{{.Digest}}' registry:5000/swarmed-web"
    for box in (swarm[0], swarm[2]):
        box.sh(f"{names} | xargs -r docker rmi -f")
    with loads(url(swarm[0])) as ended:
        ran = on.op("ops.restart", "web", "--yes")
        assert (ran.code, "No such image" in ran.stderr) == (4, True), ran.output
        assert failed(ended()) == []
    row = _named(on)["update paused"]
    assert ("No such image" in row["text"], "`inv deploy` pushes" in row["fix"]) == (True, True), row
    docker.run("start", REGISTRY)
    on.deploy("v1")
    assert _until_named(on) == {}


def _assert_nodes_without_work_named(on: Stack, swarm: tuple[Box, ...]) -> None:
    """What a volume ties to one of them says so."""
    swarm[0].sh("docker node update --availability drain app1")
    rows = _until_named(on, "node without work", "node of its volume")
    assert "store run: its volume is on app1, which is drained" in rows["node of its volume"]["text"]
    assert {row["fix"] for row in rows.values()} == {"inv hosts.undrain app1"}
    _done(on, "hosts.undrain", "app1", "--yes")
    _until_named(on)
