"""A canary on a Swarm of three nodes under load: one that does well, one that does not, killed runs."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from box import Box
from deploy_kit import PATIENCE, host_entry, wait_for
from load import Load, failed, loads
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

DOOR = 3000
_SHARE = re.compile(r"The new release answered (\d+) of (\d+) requests")
_CANARIES = "docker service ls -q --filter label=schedgen.canary"
_GUESTS = (
    "docker exec $(docker ps -q --filter label=com.docker.compose.service=schedgen-ingress) "
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/9999; echo show servers state >&3; cat <&3' | grep -c canary || true"
)
_RECORD = "cat $(ls -d .schedgen/releases/*/release.json | tail -1)"
_GUARD = "~/.local/state/schedgen/shared/.schedgen/guard"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project on the first node, its first release deployed, and an operator of all three."""
    with stack("shared", lab, swarm[0], tmp_path, shape="canary") as made:
        file = tmp_path / "config" / "lab.yaml"
        config = yaml.safe_load(file.read_text())
        config["hosts"] = [host_entry(lab, box) for box in swarm]
        file.write_text(yaml.safe_dump(config))
        made.deploy("v1")
        yield made


def test_a_canary_is_followed_by_the_rest_or_taken_away(on: Stack, swarm: tuple[Box, ...]) -> None:
    with loads(*(f"http://{box.address}:{DOOR}/" for box in swarm)) as ended:
        _assert_kept(on, swarm)
        _assert_ended_by_the_manager_alone(on, swarm)
        _assert_removed_by_the_next_run(on, swarm)
        assert failed(ended()) == []
    _assert_taken_away(on, swarm)


def _assert_kept(on: Stack, swarm: tuple[Box, ...]) -> None:
    plan = on.op("deploy.plan", "--branch", "v2")
    assert "behind the ingress" in plan.stdout, plan.output
    run = on.op.start(
        "deploy.guarded", "--branch", "v2", "--canary", "25", "--pause", "12", "--duration", "4"
    )
    run.until("Canary: 25%")
    wait_for(lambda: _seen(swarm[2], 4) == {"1", "2"}, "a visitor on the new release", 10)
    ran = run.wait()
    assert (ran.code, "The canary does well" in ran.output) == (0, True), ran.output
    shares = [int(new) / int(every) for new, every in _SHARE.findall(ran.stdout)]
    assert len(shares) == len(swarm), ran.output
    assert all(0.2 <= share <= 0.27 for share in shares), shares
    _nothing_left(on, swarm)
    assert {each for box in swarm for each in _seen(box, 5)} == {"2"}


def _seen(box: Box, times: int) -> set[str]:
    return {box.get("/", port=DOOR) for _ in range(times)}


def _nothing_left(on: Stack, swarm: tuple[Box, ...]) -> None:
    assert swarm[0].sh(_CANARIES) == ""
    assert [box.sh(_GUESTS) for box in swarm] == ["0", "0", "0"]


def _assert_ended_by_the_manager_alone(on: Stack, swarm: tuple[Box, ...]) -> None:
    run = on.op.start("deploy.guarded", "--branch", "v1", "--canary", "50", "--pause", "6")
    run.until("Canary: 50%")
    run.signal(signal.SIGKILL)
    run.wait()
    wait_for(lambda: '"state":"FAILED"' in _record(on, swarm[0]), "the manager's own word", PATIENCE)
    assert "the run ended before the canary was followed by the rest" in _record(on, swarm[0])
    assert swarm[0].sh(_CANARIES) == ""
    assert {each for box in swarm for each in _seen(box, 5)} == {"2"}


def _record(on: Stack, box: Box) -> str:
    return box.sh(f"cd {on.directory}; {_RECORD}")


def _assert_removed_by_the_next_run(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Where nobody is left who would, the manager's watchdog neither."""
    run = on.op.start("deploy.guarded", "--branch", "v1", "--canary", "50", "--pause", "60")
    run.until("Canary: 50%")
    run.signal(signal.SIGKILL)
    run.wait()
    for box in swarm:
        box.sh("pkill -KILL -f '^bash -o pipefail.*schedgen-guard' || true")
    assert swarm[0].sh(_CANARIES) != ""
    ran = on.op("deploy.recover", "--wait", "60s")
    assert (ran.code, "An earlier run left a canary of web" in ran.output) == (0, True), ran.output
    _nothing_left(on, swarm)
    assert {each for box in swarm for each in _seen(box, 5)} == {"2"}


def _assert_taken_away(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Of a release that fails who works with it no more than the share had come to the visitors."""
    doors = [f"http://{box.address}:{DOOR}" for box in swarm]
    with loads(*(f"{door}/work" for door in doors)) as ended:
        ran = on.op("deploy.guarded", "--branch", "v3", "--canary", "10", "--pause", "60")
        assert (ran.code, "Error rate (" in ran.output) == (4, True), ran.output
        assert "The old release serves" in ran.output
        seen = ended()
    _assert_share(seen, 0.1)
    _nothing_left(on, swarm)
    assert {box.get("/work", port=DOOR) for box in swarm for _ in range(20)} == {"ok"}


def _assert_share(seen: tuple[Load, ...], share: float) -> None:
    every, bad = sum(one.good + one.failed for one in seen), sum(one.failed for one in seen)
    assert 0 < bad <= share * every, (bad, every)
    assert {text.partition(": ")[2] for one in seen for text in one.failures} == {"status 500"}, seen
