"""Three hosts behind a load balancer: each out while it is updated, and what visitors notice of that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
import yaml
from box import Box
from deploy_kit import over
from front import Front, front
from load import CONNECTIONS, Load, failed, loads
from stack_kit import Stack, stack

from schedgen_ops.lab import docker, manager
from schedgen_ops.lab.place import Place
from schedgen_ops.lab.progress import Silent

HEALTH = "/up"
BALANCER = {"service": "api", "drain": 4, "rejoin": 4}
NAMES = ("app1", "app2", "app3")


@pytest.fixture
def on(lab: Place, three_empty_hosts: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project on three hosts."""
    first, *others = three_empty_hosts
    with stack("balanced", lab, first, tmp_path, beside=tuple(others)) as made:
        yield made


def configure(on: Stack, balancer: dict[str, Any], **rollout: Any) -> None:
    """Tells the config how to take a host out, and what a rollout does besides."""
    file = on.op.folder / "config" / "lab.yaml"
    config = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(over(config, {"balancer": BALANCER | balancer, "rollout": rollout})))


def containers(on: Stack, box: Box) -> str:
    """What runs of the project on a host."""
    return box.sh(f"docker ps -q --no-trunc --filter label=com.docker.compose.project={on.name} | sort")


def versions(boxes: Sequence[Box]) -> list[str]:
    """The release that serves on each host, by its own word."""
    return [box.get("/", port=3001) for box in boxes]


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
    with loads(f"{at.url(3000)}/", f"{at.url(3001)}/") as ended, Watched(at) as watched:
        yield watched, seen
        seen += ended()


def test_visitors_of_a_load_balancer_notice_at_most_a_host_that_dies(
    on: Stack, three_empty_hosts: tuple[Box, ...], tmp_path: Path
) -> None:
    configure(on, {"health": HEALTH})
    for box in three_empty_hosts:
        box.sh(f"cd {on.directory} && docker compose up --detach --build")
    first = on.deploy("v1")
    assert first.count("Not taken out of the load balancer: no ingress answers at /up") == 3
    with front(tmp_path, three_empty_hosts, HEALTH) as at:
        _assert_deploy(on, three_empty_hosts, at)
        _assert_broken(on, three_empty_hosts, at)
        _assert_rollback(on, three_empty_hosts, at)
        _assert_one_that_is_dead(on, three_empty_hosts, at)
        _assert_one_that_dies(on, three_empty_hosts, at)
        on.deploy("v1")
        configure(on, {"health": HEALTH}, canary_hosts=1, canary_watch=15, batch=1)
        _assert_a_canary_host_is_judged_before_the_others_get_the_release(on, three_empty_hosts, at)


def _assert_deploy(on: Stack, boxes: tuple[Box, ...], at: Front) -> None:
    with visited(at) as (watched, seen):
        ran = on.op("deploy", "--branch", "v2")
    assert ran.code == 0, ran.output
    assert failed(tuple(seen)) == [], ran.output
    assert watched.out == [*NAMES]
    assert versions(boxes) == ["2"] * 3
    parts = [f"=== Step 4: Rolling update of {name} ===" for name in NAMES]
    assert kit.in_order(ran.stdout, (*parts, "The load balancer has app1, app2, app3"))
    at.until_up(*NAMES)


def _assert_broken(on: Stack, boxes: tuple[Box, ...], at: Front) -> None:
    with visited(at) as (watched, seen):
        ran = on.op("deploy", "--branch", "v3")
    assert ran.code == 4, ran.output
    assert failed(tuple(seen)) == [], ran.output
    assert watched.out == ["app1"]
    assert versions(boxes) == ["2"] * 3
    at.until_up(*NAMES)


def _assert_rollback(on: Stack, boxes: tuple[Box, ...], at: Front) -> None:
    with visited(at) as (watched, seen):
        ran = on.op("rollback", "--yes")
    assert ran.code == 0, ran.output
    assert failed(tuple(seen)) == [], ran.output
    assert watched.out == [*NAMES]
    assert versions(boxes) == ["1"] * 3


def _assert_one_that_is_dead(on: Stack, boxes: tuple[Box, ...], at: Front) -> None:
    """It was dead before, and the load balancer knows; the others are updated without it."""
    docker.run("stop", "--time", "1", boxes[2].host.container)
    at.until_up("app1", "app2")
    with visited(at) as (_, seen):
        ran = on.op("deploy", "--branch", "v2")
    assert ran.code == 0, ran.output
    assert "app3 is left out: " in ran.output
    assert failed(tuple(seen)) == [], ran.output
    # With two hosts dead nobody would serve: that is refused, and nothing changed.
    docker.run("stop", "--time", "1", boxes[1].host.container)
    at.until_up("app1")
    ran = on.op("deploy", "--branch", "v1")
    assert (ran.code, "nobody would serve while app1 is taken out" in ran.stderr) == (3, True), ran.output
    for box in boxes[1:]:
        _revive(on, box)
    at.until_up(*NAMES)
    ran = on.op("deploy.catch-up", "--yes")
    assert ran.code == 0, ran.output
    assert versions(boxes) == ["2"] * 3
    at.until_up(*NAMES)


def _assert_one_that_dies(on: Stack, boxes: tuple[Box, ...], at: Front) -> None:
    """In the middle of another one's turn: requests that it had begun may fail, and no others."""
    with visited(at) as (_, seen):
        run = on.op.start("deploy", "--branch", "v1")
        run.until("=== Step 4: Rolling update of app2 ===")
        docker.run("kill", boxes[2].host.container)
        ran = run.wait()
    assert ran.code == 5, ran.output
    lost = failed(tuple(seen))
    assert sum(one.failed for one in lost) <= len(seen) * CONNECTIONS, lost
    for port in (3000, 3001):
        rows = at.servers(port)
        assert [rows[name]["eresp"] for name in ("app1", "app2")] == ["0", "0"], (lost, rows)
    assert versions(boxes[:2]) == ["2"] * 2
    at.until_up("app1", "app2")
    _revive(on, boxes[2])
    ran = on.op("deploy.recover")
    assert ran.code == 0, ran.output
    at.until_up(*NAMES)
    assert versions(boxes) == ["2"] * 3


def _revive(on: Stack, box: Box) -> None:
    docker.run("start", box.host.container)
    manager.up(on.op.place, 3, Silent())
    kit.wait_for(lambda: _answers(box), f"{box.name} to serve again", 180)


def _answers(box: Box) -> bool:
    try:
        return bool(box.get(HEALTH)) and bool(box.get("/", port=3000))
    except OSError:
        return False


def _assert_a_canary_host_is_judged_before_the_others_get_the_release(
    on: Stack, boxes: tuple[Box, ...], at: Front
) -> None:
    before = [containers(on, box) for box in boxes]
    with loads(f"{at.url(3001)}/work"):
        ran = on.op("deploy", "--branch", "v4")
    assert ran.code == 4, ran.output
    assert "TRIGGERING AUTOMATIC ROLLBACK" in ran.output
    assert "Rolling update of app2" not in ran.stdout
    assert versions(boxes) == ["1"] * 3
    assert [containers(on, box) for box in boxes[1:]] == before[1:]
    ran = on.op("deploy", "--branch", "v2")
    assert ran.code == 0, ran.output
    assert kit.in_order(
        ran.stdout, ("Watching the canary hosts", "does well on app1", "Rolling update of app2")
    )


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
    on: Stack, three_empty_hosts: tuple[Box, ...], tmp_path: Path
) -> None:
    """Here the load balancer is told by a command."""
    program = tmp_path / "lb"
    calls = {
        "take_out": {"command": [str(program), "drain", "{host}"]},
        "put_back": {"command": [str(program), "ready", "{host}"]},
        "secrets": {"LB_TOKEN": "echo s3cret-token"},
    }
    configure(on, calls)
    with front(tmp_path, three_empty_hosts) as at:
        program.write_text(PROGRAM.format(python=sys.executable, control=str(at.control)))
        program.chmod(0o755)
        on.deploy("v1")
        with visited(at) as (_, seen):
            ran = on.op("deploy", "--branch", "v2")
        assert ran.code == 0, ran.output
        assert failed(tuple(seen)) == [], ran.output
        assert "s3cret-token" not in ran.output + on.op.newest("log") + on.op.newest("jsonl")
        run = on.op.start("deploy", "--branch", "v1")
        run.until("=== Step 4: Rolling update of app2 ===")
        kit.wait_for(lambda: at.servers()["app2"]["status"] == "DRAIN", "app2 to be out")
        run.process.kill()
        run.process.wait()
        box = three_empty_hosts[1]
        kit.wait_for(lambda: kit.lock_is_free(box, on.directory), "the lock to end")
        assert "app2: Load balancer: taken out of the load balancer" in on.op("status").output
        with visited(at) as (_, seen):
            ran = on.op("deploy.recover")
        assert ran.code == 0, ran.output
        assert failed(tuple(seen)) == [], ran.output
        assert {row["status"] for row in at.servers().values()} == {"no check"}
        assert "Load balancer" not in on.op("status").output
        assert versions(three_empty_hosts) == ["2"] * 3
