"""A Swarm whose registry asks for a password: only who deploys has it, and every node pulls all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from box import Box
from deploy_kit import PATIENCE, host_entry, wait_for
from secrecy import left, watched
from shut_registry import shut_registry
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

USER, PASSWORD = "ci", "a-Pass.word:of/CI"
DOOR = 3000
_WEB = "registry:5000/shut-web"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The project on the first node of three, none of which is signed in to the registry."""
    (tmp_path / "password").write_text(PASSWORD)
    with shut_registry(USER, PASSWORD), stack("shut", lab, swarm[0], tmp_path, shape="moved") as made:
        file = tmp_path / "config" / "lab.yaml"
        config = yaml.safe_load(file.read_text())
        config |= {"orchestrator": "swarm", "swarm": {"registry": "registry:5000"}}
        config["hosts"] = [host_entry(lab, box) for box in swarm]
        password = f"cat {tmp_path}/password"
        config["release"] = {"registry": {"server": "registry:5000", "user": USER, "password": password}}
        file.write_text(yaml.safe_dump(config))
        yield made
        for box in swarm[1:]:
            box.sh(f"rm -rf {made.directory}")


def test_every_node_pulls_from_a_registry_with_a_password(
    on: Stack, swarm: tuple[Box, ...], tmp_path: Path
) -> None:
    with watched(swarm[0], PASSWORD) as seen:
        on.deploy("v1")
        _assert_comes_to_a_node_later(on, swarm)
        # A rollback, and a run that puts something right, leave the credentials with the services.
        on.deploy("v3")
        back = on.op("rollback", "--yes")
        assert back.code == 0, back.output
        _assert_comes_to_a_node_later(on, swarm)
        recovered = on.op("deploy.recover")
        assert recovered.code == 0, recovered.output
        _assert_comes_to_a_node_later(on, swarm)
    assert seen() == ""
    assert not left(swarm, tmp_path, PASSWORD)
    _assert_signed_in_on_the_first_host_alone(on, swarm)


def _assert_signed_in_on_the_first_host_alone(on: Stack, swarm: tuple[Box, ...]) -> None:
    """Without `release.registry` the credentials are those of the first host's own."""
    file = on.op.folder / "config" / "lab.yaml"
    config = yaml.safe_load(file.read_text())
    del config["release"]
    file.write_text(yaml.safe_dump(config))
    swarm[0].sh(f"docker login -u {USER} --password-stdin registry:5000 <<< '{PASSWORD}'")
    try:
        on.deploy("v3")
        _assert_comes_to_a_node_later(on, swarm, "3")
    finally:
        swarm[0].sh("docker logout registry:5000; rm -f ~/.docker/config.json")


def _assert_comes_to_a_node_later(on: Stack, swarm: tuple[Box, ...], version: str = "1") -> None:
    """What a drained node had is pulled by one that never had it, which is signed in nowhere."""
    (free,) = (box for box in swarm if not _runs(box))
    for box in swarm[1:]:
        assert box.sh("docker pull registry:5000/shut-web:none 2>&1 || true").count("no basic auth") == 1
    free.sh(f"docker images -q {_WEB} | sort -u | xargs -r docker rmi -f")
    assert free.sh(f"docker images -q {_WEB}") == ""
    drained = next(box for box in swarm[1:] if _runs(box))
    ran = on.op("hosts.drain", drained.name, "--yes")
    assert ran.code == 0, ran.output
    wait_for(lambda: _runs(free), f"{free.name} to have it", PATIENCE)
    assert on.op("hosts.undrain", drained.name, "--yes").code == 0
    assert free.get("/", port=DOOR) == version


def _runs(box: Box) -> bool:
    return box.sh("docker ps -q --filter name=shut_web --filter health=healthy") != ""
