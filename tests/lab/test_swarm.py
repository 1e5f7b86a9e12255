"""A Swarm of three nodes under load: deployed to, gone back on, its data restored, drained, a node lost."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import Box
from deploy_kit import PATIENCE, wait_for
from load import CONNECTIONS, failed, loads
from stack_kit import Stack
from swarm_stack import DOOR, on_swarm, url

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place, first_hosts

_DATA = "docker exec $(docker ps -q --filter name=swarmed_store) redis-cli"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project `swarm`, and an operator whose config has all three nodes."""
    with on_swarm(lab, swarm, tmp_path) as made:
        yield made


def test_a_swarm_serves_through_releases_and_without_a_node(on: Stack, swarm: tuple[Box, ...]) -> None:
    first, second, third = swarm
    _assert_tasks_of_compose_alone_are_refused(on)
    on.deploy("v1")
    swarm[0].sh(f"{_DATA} set kept yes")
    _assert_data_saved_proven_and_restored(on, swarm)
    with loads(url(first), url(third)) as ended:
        _assert_killed_and_taken_back(on, swarm)
        _assert_recovered(on, swarm)
        _assert_deployed(on, swarm)
        _assert_taken_back(on, swarm)
        _assert_rolled_back(on, swarm)
        _assert_guarded(on, swarm)
        assert failed(ended()) == []
    with loads(url(first), url(second)) as ended:
        _assert_drained(on, third)
        assert failed(ended()) == []
    _assert_looked_at(on)
    _assert_goes_on_without(on, swarm, third)
    assert swarm[0].sh(f"{_DATA} get kept") == "yes"


def _serves(swarm: tuple[Box, ...], version: str) -> None:
    for box in swarm:
        assert {box.get("/", port=DOOR) for _ in range(5)} == {version}


def _assert_tasks_of_compose_alone_are_refused(on: Stack) -> None:
    for words in (
        ("ingress.remove",),
        ("secrets.check",),
    ):
        ran = on.op(*words)
        assert (ran.code, "does not work on a Swarm" in ran.output) == (2, True), ran.output


def _assert_data_saved_proven_and_restored(on: Stack, swarm: tuple[Box, ...]) -> None:
    """All of it on the node where the database runs, which is not the first one."""
    _sql(on, "DROP TABLE IF EXISTS orders; CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
    made = on.op("backup")
    assert made.code == 0, made.output
    listed = on.op.document("backup.list")["result"]
    (id_,) = {row["backup"] for row in listed if row["backup"].startswith("manual")}
    assert {row["host"] for row in listed if row["backup"] == id_} == {"app1", "app2"}
    files = swarm[1].sh(f"ls {on.directory}/backups/{id_}").split()
    assert {"database.sql.gz", "manifest.json"} <= {*files}
    # A first deploy saves what an old volume may hold, before it is migrated.
    assert any(row["backup"].startswith("pre-deployment") for row in listed)
    proven = on.op("backup.drill")
    assert (proven.code, "Restore drill passed: 1000 rows" in proven.output) == (0, True), proven.output
    _sql(on, "DELETE FROM orders")
    restored = on.op("backup.restore", id_, "--yes")
    assert (restored.code, "web stopped for" in restored.output) == (0, True), restored.output
    assert _sql(on, "SELECT count(*) FROM orders") == "1000"
    wait_for(lambda: _answers(swarm), "the ingresses to find what was started again", PATIENCE)
    _serves(swarm, "1")


def _answers(swarm: tuple[Box, ...]) -> bool:
    try:
        return all(box.get("/", port=DOOR) for box in swarm)
    except OSError:
        return False


def _sql(on: Stack, statement: str) -> str:
    ran = on.op("exec", "db", "--", "psql", "-qAtU", "shop", "-c", statement)
    assert ran.code == 0, ran.output
    return ran.stdout.strip()


def _assert_killed_and_taken_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Whoever deploys next takes back what a run left that nobody could end."""
    run = on.op.start("deploy", "--branch", "v2")
    run.until("=== Step 4: ")
    run.signal(signal.SIGKILL)
    run.wait()
    ran = on.op("deploy", "--branch", "v1", "--wait", "60s")
    assert (ran.code, "An earlier run was interrupted" in ran.output) == (0, True), ran.output
    _serves(swarm, "1")


def _assert_recovered(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Nothing is deployed for it, and what was put right is said, as is that there was nothing."""
    run = on.op.start("deploy", "--branch", "v2")
    run.until("=== Step 4: ")
    run.signal(signal.SIGKILL)
    run.wait()
    ran = on.op("deploy.recover", "--wait", "60s")
    assert (ran.code, "was taken back; " in ran.output) == (0, True), ran.output
    _serves(swarm, "1")
    again = on.op("deploy.recover")
    assert (again.code, "nothing was left to put right" in again.output) == (0, True), again.output


def _assert_deployed(on: Stack, swarm: tuple[Box, ...]) -> None:
    """A config that changed is another one; what did not change goes on."""
    plan = on.op("deploy.plan", "--branch", "v2")
    assert (plan.code, "start-first, behind the ingress" in plan.stdout) == (0, True), plan.output
    store = swarm[0].sh("docker ps -q --filter name=swarmed_store")
    said = on.deploy("v2")
    assert "Pre-deployment backup completed successfully" in said
    assert "Service web is replaced, and well" in said
    assert "Service store had not changed" in said
    assert swarm[0].sh("docker ps -q --filter name=swarmed_store") == store
    _serves(swarm, "2")
    assert {line for line in on.op("exec", "web", "--", "cat", "/motd").stdout.split() if "second" in line}


def _assert_taken_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    ran = on.op("deploy", "--branch", "v3")
    assert (ran.code, "service web" in ran.stderr) == (4, True), ran.output
    assert "The old release serves" in ran.output
    _serves(swarm, "2")
    record = json.loads(
        swarm[0].sh(f"ls -d {on.directory}/.schedgen/releases/*/release.json | tail -1 | xargs cat")
    )
    assert record["state"] == "FAILED"


def _assert_rolled_back(on: Stack, swarm: tuple[Box, ...]) -> None:
    ran = on.op("rollback", "--yes")
    assert ran.code == 0, ran.output
    _serves(swarm, "1")
    assert "first" in on.op("exec", "web", "--", "cat", "/motd").stdout


def _assert_guarded(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Kept with the laptop there, taken back for what visitors of one node had, kept by the manager alone."""
    ran = on.op("deploy.guarded", "--branch", "v2", "--duration", "4")
    assert (ran.code, "Monitoring passed: the release is kept" in ran.stdout) == (0, True), ran.output
    _serves(swarm, "2")
    # Its visitors get 500 there.
    with loads(f"{url(swarm[2])}private"):
        ran = on.op("deploy.guarded", "--branch", "v1", "--duration", "90")
    assert (ran.code, "app3: Error rate (" in ran.output) == (4, True), ran.output
    assert "The old release serves" in ran.output
    _serves(swarm, "2")
    run = on.op.start("deploy.guarded", "--branch", "v1", "--duration", "6")
    run.until("  Progress: ")
    run.signal(signal.SIGKILL)
    run.wait()
    status = "cat $(ls -d .schedgen/releases/*/release.json | tail -1)"
    wait_for(lambda: '"state":"DONE"' in swarm[0].sh(f"cd {on.directory}; {status}"), "its own word", 60)
    _serves(swarm, "1")
    left = "ls -d ~/.local/state/schedgen/swarmed/.schedgen/guard 2> /dev/null || true"
    wait_for(lambda: not any(box.sh(left) for box in swarm), "the other nodes' watchdogs to be gone", 30)


def _assert_drained(on: Stack, node: Box) -> None:
    """Replacements are there before what it has ends; what leads to it lost its door."""
    others = _containers(on, but=node)
    ran = on.op("hosts.drain", node.name, "--yes")
    assert (ran.code, "1 service moved" in ran.output) == (0, True), ran.output
    assert node.sh("docker ps -q") == ""
    assert others <= _containers(on, but=node)
    assert "its ports are not asked" in on.deploy("v1")
    stuck = on.op("hosts.drain", "app1", "--yes")
    assert (stuck.code, "its volume is on app1" in stuck.output) == (3, True), stuck.output
    back = on.op("hosts.undrain", node.name, "--yes")
    assert back.code == 0, back.output
    assert node.get("/", port=DOOR) == "1"


def _containers(on: Stack, but: Box) -> set[str]:
    listing = "docker ps -q --filter label=com.docker.compose.project=swarmed"
    boxes = [Box(host) for host in first_hosts(3) if host.name != but.name]
    return {line for box in boxes for line in box.sh(listing).split()}


def _assert_looked_at(on: Stack) -> None:
    rows = on.op.document("status")
    assert "web" in json.dumps(rows)
    assert on.op("verify.quick").code == 0
    assert "swarmed_store" in on.op("logs", "store", "--json").stdout


def _assert_goes_on_without(on: Stack, swarm: tuple[Box, ...], lost: Box) -> None:
    """In the middle of a deploy: what it had in hand is lost with it, and the others serve one release."""
    with loads(url(swarm[0])) as ended:
        run = on.op.start("deploy", "--branch", "v2")
        run.until("=== Step 4: ")
        docker.run("kill", lost.host.container)
        ran = run.wait()
        assert ran.code in (0, 4), ran.output
        wait_for(lambda: _moved(swarm[0], lost), "two containers on the other nodes", PATIENCE)
        seen = ended()
    _serves(tuple(box for box in swarm if box != lost), "1" if ran.code else "2")
    docker.run("start", lost.host.container)
    # Each of the two loads had at most so many requests on their way.
    assert all(one.failed <= CONNECTIONS for one in seen), seen
    assert on.op("deploy.status").code == 0


def _moved(box: Box, lost: Box) -> bool:
    """Whether the Swarm knows that a node is lost, and has what it is to have elsewhere."""
    nodes = box.sh("docker node ls --format '{{.Hostname}} {{.Status}}'")
    listing = (
        "docker service ps swarmed_web --filter desired-state=running --format '{{.Node}} {{.CurrentState}}'"
    )
    tasks = [line.split()[:2] for line in box.sh(listing).splitlines()]
    there = [node for node, state in tasks if state == "Running" and node != lost.name]
    return f"{lost.name} Down" in nodes and len(there) == 2
