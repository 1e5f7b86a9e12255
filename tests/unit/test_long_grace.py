"""Containers that take long to end: every limit counts that, and what ends them is never cut off halfway."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_stub import PROXY, Engine
from fakes import FakeHost
from kit import settings
from test_backup_restore import boxes

from schedgen_ops.commands.docker import GRACE, Docker, grace, parse_containers
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import run as roller
from schedgen_ops.rollout.operations import Bring, Remove, Retire, Revert, SetIngress
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.versions import Version

COMPOSE = ComposeOrchestrator(Docker(), "schedgen", "/srv/schedgen")
WORKER = ServiceRecord("i", "id", "d", strategy="start-first")
SITE = ServiceRecord("i", "id", "d", strategy="ingress", proxies=("web_80",))
STATEFUL = ServiceRecord("i", "id", "d", strategy="stop-first")
SETTINGS = settings(health={"deadline": 40, "settle": 0}, rollout={"drain": 2})
COMMANDS = OperationRenderer(COMPOSE, SETTINGS)
PDF, WEB = Version("worker", ReleaseId("r"), WORKER), Version("web", ReleaseId("r"), SITE)
DB = Version("db", ReleaseId("r"), STATEFUL)
WHY = ServiceChange("", Action.REPLACE, "its image changed")
TEN_MINUTES = 600.0


def silent(_: str) -> None: ...


@pytest.mark.parametrize(
    "work",
    [
        lambda on, g: roller.start(on, COMMANDS, Bring(PDF, None, WHY), silent, g),
        lambda on, g: roller.start(on, COMMANDS, Bring(DB, None, WHY), silent, g),
        lambda on, g: roller.end(on, COMMANDS, Retire(WEB), silent, g),
        lambda on, g: roller.end(on, COMMANDS, Revert(WEB, None), silent, g),
        lambda on, g: roller.remove(on, COMMANDS, Remove(WEB), g),
        lambda on, g: roller.set_ingress(on, COMMANDS, SetIngress((WEB,)), g),
    ],
    ids=["start-first", "stop-first", "retire", "revert", "remove", "hand over"],
)
def test_a_limit_counts_the_time_that_containers_have_to_end(
    work: Callable[[FakeHost, float], object],
) -> None:
    brief, long = (FakeHost(answers={lambda _: True: ""}) for _ in range(2))
    work(brief, GRACE)
    work(long, TEN_MINUTES)
    assert long.deadlines[0] - brief.deadlines[0] >= TEN_MINUTES - GRACE


def test_the_time_is_the_containers_own() -> None:
    some = boxes("worker", "web").replace('"image_name": "worker"', '"image_name": "worker", "grace": 600')
    assert grace(parse_containers(some)) == TEN_MINUTES
    assert grace(parse_containers(boxes("web"))) == GRACE
    assert grace(()) == GRACE


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_is_ended_by_its_limit_is_who_listens_and_not_what_works(
    tmp_path: Path, blow: signal.Signals
) -> None:
    """As on a host: `timeout` runs the line, and passes on what ends it."""
    engine = Engine(tmp_path)
    engine.has("worker")
    engine.say(release="r2", slow="yes")
    engine.has("worker")
    at = (str(engine.state), "worker", WORKER, 1)
    command = engine.compose.retire(*at, proxy=PROXY, release_id=ReleaseId("r2"))
    line = ["timeout", "-k", "5", "60", "bash", "--norc", "-o", "pipefail", "-c", command.text]
    env = {**os.environ, "FAKE": str(engine.root), "PATH": f"{engine.bin}:{os.environ['PATH']}"}
    with subprocess.Popen(line, cwd=engine.root, env=env, stdout=-3, stderr=-3) as listener:
        until((engine.root / "stopping").exists)
        listener.send_signal(blow)
        listener.wait(30)
    assert "stop 1" not in engine.log
    (engine.root / "slow").unlink()
    # Who comes next waits for it.
    assert engine.run(engine.compose.finished(str(engine.state), "worker")).ok
    assert [text.split()[3] for text in engine.containers.values()] == ["r2"]
