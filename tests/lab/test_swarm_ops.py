"""Single operations and diagnoses on a Swarm of three nodes: what visitors notice, and what is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from box import Box
from load import failed, loads
from on_swarm import swarmed, url
from stack_kit import Stack

from schedgen_ops.lab.place import Place


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project `swarm`, and an operator whose config has all three nodes."""
    with swarmed(lab, swarm, tmp_path) as made:
        yield made


def test_services_are_worked_on_by_hand_and_troubles_are_named(on: Stack, swarm: tuple[Box, ...]) -> None:
    on.deploy("v1")
    with loads(url(swarm[0]), url(swarm[2])) as ended:
        _assert_restarted(on, swarm)
        _assert_scaled(on, swarm)
        assert failed(ended()) == []
    _assert_stopped_and_started(on, swarm)


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
