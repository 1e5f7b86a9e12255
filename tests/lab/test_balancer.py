"""Three hosts behind a load balancer: each out while it is updated, and what visitors notice of that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator
from front import Front, front
from load import CONNECTIONS, Load, failed, loads

from schedgen_ops.lab import docker, manager
from schedgen_ops.lab.place import Place, first_hosts
from schedgen_ops.lab.progress import Silent

HEALTH = "/health/db"
# Stopped before it is started anew, so that its port answers nobody for a while.
STOPPED = {"stop_first": ["frontend"], "drain": 10}
BALANCER = {"service": "backend", "drain": 6, "rejoin": 6}
CONFIG: dict[str, Any] = {
    "rollout": STOPPED,
    "build": {"once": True},
    "health": {"settle": 1},
    "hosts_down": "skip",
}
NAMES = ("app1", "app2", "app3")
# On the host that takes backups and migrates, nothing is left out by itself.
ALONE = {"app2": {"migrates": False, "backs_up": False}, "app3": {"migrates": False, "backs_up": False}}


@pytest.fixture
def three_hosts(lab: Place) -> Iterator[tuple[Box, ...]]:
    """Hosts 1 to 3 in their golden state."""
    hosts = first_hosts(3)
    manager.reset(lab, 1, Silent())
    manager.up(lab, 3, Silent())
    manager.reset(lab, 3, Silent())
    try:
        yield tuple(map(Box, hosts))
    finally:
        for host in hosts[1:]:
            manager.halt(lab, host)


@pytest.fixture
def op(lab: Place, three_hosts: tuple[Box, ...], tmp_path: Path) -> Operator:
    # One host after the other, each with its waits, on a machine that has all of them.
    return Operator(lab, tmp_path, three_hosts, patience=900)


class Watched:
    """Who is up at the load balancer, looked at all the time."""

    def __init__(self, at: Front) -> None:
        self.at = at
        self.seen: list[frozenset[str]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            now = frozenset(self.at.up())
            if not self.seen or self.seen[-1] != now:
                self.seen.append(now)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def out(self) -> list[str]:
        """Which hosts were out, in order."""
        return [", ".join(sorted({*NAMES} - now)) for now in self.seen if len(now) < len(NAMES)]


@contextmanager
def visited(at: Front) -> Iterator[tuple[Watched, list[Load]]]:
    """Visitors at the load balancer while the block lasts; afterwards there is what they saw."""
    seen: list[Load] = []
    with loads(f"{at.url(3000)}/", f"{at.url(3001)}/health") as ended, Watched(at) as watched:
        yield watched, seen
        seen += ended()


def test_visitors_of_a_load_balancer_notice_nothing(
    op: Operator, three_hosts: tuple[Box, ...], tmp_path: Path
) -> None:
    op.configure(hosts=ALONE, balancer={**BALANCER, "health": HEALTH}, **CONFIG)
    first = op.deploy("v1.2.3")
    assert first.stdout.count("Not taken out of the load balancer: no ingress answers at /health/db") == 3
    with front(tmp_path, three_hosts, HEALTH) as at:
        _assert_deploy(op, three_hosts, at)
        _assert_broken(op, three_hosts, at)
        _assert_rollback(op, three_hosts, at)


def test_visitors_notice_of_a_host_that_dies_what_it_had_begun(
    op: Operator, three_hosts: tuple[Box, ...], tmp_path: Path
) -> None:
    op.configure(hosts=ALONE, balancer={**BALANCER, "health": HEALTH}, **CONFIG).deploy("v1.2.3")
    with front(tmp_path, three_hosts, HEALTH) as at:
        _assert_one_that_is_dead(op, three_hosts, at)
        _assert_one_that_dies(op, three_hosts, at)


def _assert_deploy(op: Operator, boxes: tuple[Box, ...], at: Front) -> None:
    with visited(at) as (watched, seen):
        ran = op("deploy", "--branch", "v1.2.4")
    assert ran.code == 0, ran.output
    assert failed(tuple(seen)) == [], ran.output
    assert watched.out == [*NAMES]
    assert [box.version() for box in boxes] == ["1.2.4"] * 3
    parts = [f"=== Step 4-6: Rolling update of {name} ===" for name in NAMES]
    assert kit.in_order(ran.stdout, (*parts, "The load balancer has app1, app2, app3"))
    at.until_up(*NAMES)


def _assert_broken(op: Operator, boxes: tuple[Box, ...], at: Front) -> None:
    with visited(at) as (watched, seen):
        ran = op("deploy", "--branch", "broken-health")
    assert ran.code == 4, ran.output
    assert failed(tuple(seen)) == [], ran.output
    assert watched.out == ["app1"]
    assert [box.version() for box in boxes] == ["1.2.4"] * 3
    at.until_up(*NAMES)


def _assert_rollback(op: Operator, boxes: tuple[Box, ...], at: Front) -> None:
    with visited(at) as (watched, seen):
        ran = op("rollback", "--yes")
    assert ran.code == 0, ran.output
    assert failed(tuple(seen)) == [], ran.output
    assert watched.out == [*NAMES]
    assert [box.version() for box in boxes] == ["1.2.3"] * 3


def _assert_one_that_is_dead(op: Operator, boxes: tuple[Box, ...], at: Front) -> None:
    """It was dead before, and the load balancer knows; the others are updated without it."""
    docker.run("stop", "--time", "1", boxes[2].host.container)
    at.until_up("app1", "app2")
    with visited(at) as (_, seen):
        ran = op("deploy", "--branch", "v1.2.4")
    assert ran.code == 0, ran.output
    assert "app3 is left out: " in ran.output
    assert failed(tuple(seen)) == [], ran.output
    # With two hosts dead nobody would serve: that is refused, and nothing changed.
    docker.run("stop", "--time", "1", boxes[1].host.container)
    at.until_up("app1")
    ran = op("deploy", "--branch", "v1.2.3")
    assert (ran.code, "nobody would serve while app1 is taken out" in ran.stderr) == (3, True), ran.output
    for box in boxes[1:]:
        _revive(op, box)
    at.until_up(*NAMES)
    ran = op("deploy.catch-up", "--yes")
    assert ran.code == 0, ran.output
    assert [box.version() for box in boxes] == ["1.2.4"] * 3
    at.until_up(*NAMES)


def _assert_one_that_dies(op: Operator, boxes: tuple[Box, ...], at: Front) -> None:
    """In the middle of another one's turn: requests that it had begun may fail, and no others."""
    with visited(at) as (_, seen):
        run = op.start("deploy", "--branch", "v1.2.3")
        run.until("=== Step 4-6: Rolling update of app2 ===")
        docker.run("kill", boxes[2].host.container)
        ran = run.wait()
    assert ran.code == 5, ran.output
    lost = failed(tuple(seen))
    assert sum(one.failed for one in lost) <= len(seen) * CONNECTIONS, lost
    for port in (3000, 3001):
        rows = at.servers(port)
        assert [rows[name]["eresp"] for name in ("app1", "app2")] == ["0", "0"], (lost, rows)
    assert [box.version() for box in boxes[:2]] == ["1.2.4"] * 2
    at.until_up("app1", "app2")
    _revive(op, boxes[2])
    ran = op("deploy.recover")
    assert ran.code == 0, ran.output
    at.until_up(*NAMES)
    assert [box.version() for box in boxes] == ["1.2.4"] * 3


def _revive(op: Operator, box: Box) -> None:
    docker.run("start", box.host.container)
    manager.up(op.place, 3, Silent())
    kit.wait_for(lambda: _answers(box), f"{box.name} to serve again", 180)


def _answers(box: Box) -> bool:
    try:
        return bool(box.get(HEALTH)) and bool(box.get("/", port=3000))
    except OSError:
        return False


PROGRAM = """\
#!{python}
import os, socket, sys
assert os.environ["LB_TOKEN"] == "s3cret-token"
to = socket.socket(socket.AF_UNIX)
to.connect({control!r})
text = ";".join(f"set server to_{{port}}/{{sys.argv[2]}} state {{sys.argv[1]}}" for port in (3000, 3001))
to.sendall(text.encode() + b"\\n")
said = b"".join(iter(lambda: to.recv(1000), b"")).strip()
sys.exit(said.decode() if said else 0)
"""


def test_a_killed_run_leaves_a_host_out_and_the_next_one_puts_it_back(
    op: Operator, three_hosts: tuple[Box, ...], tmp_path: Path
) -> None:
    """Here the load balancer is told by a command."""
    program = tmp_path / "lb"
    calls = {
        "take_out": {"command": [str(program), "drain", "{host}"]},
        "put_back": {"command": [str(program), "ready", "{host}"]},
        "secrets": {"LB_TOKEN": "echo s3cret-token"},
    }
    op.configure(hosts=ALONE, balancer={**BALANCER, **calls}, **CONFIG)
    with front(tmp_path, three_hosts) as at:
        program.write_text(PROGRAM.format(python=sys.executable, control=str(at.control)))
        program.chmod(0o755)
        op.deploy("v1.2.3")
        with visited(at) as (_, seen):
            ran = op("deploy", "--branch", "v1.2.4")
        assert ran.code == 0, ran.output
        assert failed(tuple(seen)) == [], ran.output
        assert "s3cret-token" not in ran.output + op.newest("log") + op.newest("jsonl")
        run = op.start("deploy", "--branch", "v1.2.3")
        run.until("=== Step 4-6: Rolling update of app2 ===")
        kit.wait_for(lambda: at.servers()["app2"]["status"] == "DRAIN", "app2 to be out")
        run.process.kill()
        run.process.wait()
        box = three_hosts[1]
        kit.wait_for(lambda: kit.lock_is_free(box), "the lock to end")
        assert "app2: Load balancer: taken out of the load balancer" in op("status").output
        with visited(at) as (_, seen):
            ran = op("deploy.recover")
        assert ran.code == 0, ran.output
        assert failed(tuple(seen)) == [], ran.output
        assert {row["status"] for row in at.servers().values()} == {"no check"}
        assert "Load balancer" not in op("status").output
        assert [box.version() for box in three_hosts] == ["1.2.4"] * 3


def test_a_canary_host_is_judged_before_the_others_get_the_release(
    op: Operator, three_hosts: tuple[Box, ...], tmp_path: Path
) -> None:
    rollout = {**STOPPED, "canary_hosts": 1, "canary_watch": 15, "batch": 1}
    op.configure(
        hosts=ALONE,
        balancer={**BALANCER, "health": HEALTH},
        **{**CONFIG, "rollout": rollout},
        watch={"interval": 1},
    )
    op.deploy("v1.2.3")
    before = [kit.containers(box) for box in three_hosts]
    with front(tmp_path, three_hosts, HEALTH) as at, loads(f"{at.url(3001)}/api/jobs/metrics"):
        ran = op("deploy", "--branch", "broken-errors")
    assert ran.code == 4, ran.output
    assert "TRIGGERING AUTOMATIC ROLLBACK" in ran.output
    assert "Rolling update of app2" not in ran.stdout
    assert [box.version() for box in three_hosts] == ["1.2.3"] * 3
    assert [kit.containers(box) for box in three_hosts[1:]] == before[1:]
    ran = op("deploy", "--branch", "v1.2.4")
    assert ran.code == 0, ran.output
    assert kit.in_order(
        ran.stdout, ("Watching the canary hosts", "does well on app1", "Rolling update of app2")
    )
