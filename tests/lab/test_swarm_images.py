"""Releases that are images of a registry with a password, on a Swarm: neither git nor a build."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from box import Box
from deploy_kit import host_entry
from load import failed, loads
from registry import push
from secrecy import left, watched
from shut_registry import shut_registry, trusted
from stack_kit import Stack, pulled
from swarm_stack import serves, url

from schedgen_ops.lab.place import Place

USER, PASSWORD = "ci", "a-Pass.word:of/CI"
PUSHER, PUSHING = "pusher", "another-Pass.word:of/Pushers"
SERVER = "hub:5000"
IMAGE = f"{SERVER}/team/shop"


@contextmanager
def shop(lab: Place, nodes: Sequence[Box], folder: Path) -> Iterator[Stack]:
    """The stack on the first node, its v1, v2 and a v3 that ends at once in a registry.

    That and the one that the Swarm pushes to have a password each; no node is signed in to either.
    """
    (folder / "password").write_text(PASSWORD)
    (folder / "pushing").write_text(PUSHING)
    with (
        shut_registry(PUSHER, PUSHING),
        shut_registry(USER, PASSWORD, "hub"),
        trusted(nodes, SERVER),
        pulled("imaged", lab, nodes[0], folder) as stack,
    ):
        file = folder / "config" / "lab.yaml"
        config = yaml.safe_load(file.read_text())
        config["hosts"] = [host_entry(lab, box) for box in nodes]
        config["swarm"]["sign_in"]["password"] = f"cat {folder}/pushing"
        file.write_text(yaml.safe_dump(config))
        context = f"{stack.directory}-ci"
        _push(stack, {"v1": "1", "v2": "2"}, context)
        nodes[0].sh(f"echo 'process.exit(1)' > {context}/server.js")
        _push(stack, {"v3": "3"}, context)
        yield stack


def _push(stack: Stack, versions: dict[str, str], context: str) -> None:
    push(
        stack.box, USER, PASSWORD, {f"{IMAGE}:{tag}": text for tag, text in versions.items()}, context, SERVER
    )


def test_every_node_gets_the_image_that_ci_built(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> None:
    with shop(lab, swarm, tmp_path) as on, watched(swarm[0], PASSWORD, PUSHING) as seen:
        _deployed(on, "v1")
        assert any("migrated by 1" in log.read_text() for log in (tmp_path / "state").rglob("*.log"))
        serves(swarm, "1")
        assert "not a git repository" in swarm[0].sh(f"git -C {on.directory} status 2>&1 || true")
        with loads(url(swarm[0]), url(swarm[2])) as ended:
            _assert_planned_and_refused(on)
            _deployed(on, "v2")
            serves(swarm, "2")
            _assert_not_touched_again(on)
            broken = on.op("deploy", "--tag", "v3")
            assert broken.code == 4, broken.output
            serves(swarm, "2")
            first = _digest(on)
            # A tag that moves is what it is now, and a way back is what it was.
            _push(on, {"v2": "2b"}, f"{on.directory}-ci2")
            assert "Service web is replaced, and well" in _deployed(on, "v2")
            serves(swarm, "2b")
            assert _digest(on) != first
            _prune(swarm)
            back = on.op("rollback", "--yes")
            assert back.code == 0, back.output
            serves(swarm, "2")
            assert _digest(on) == first
            assert failed(ended()) == []
    assert seen() == ""
    for password in (PASSWORD, PUSHING):
        assert not left(swarm, tmp_path, password)


def _deployed(on: Stack, tag: str) -> str:
    ran = on.op("deploy", "--tag", tag)
    assert ran.code == 0, ran.output
    return ran.output


def _assert_planned_and_refused(on: Stack) -> None:
    plan = on.op("deploy.plan", "--tag", "v2")
    assert plan.code == 0, plan.output
    assert f"its image is {IMAGE}:v2" in " ".join(plan.stdout.split())
    gone = on.op("deploy", "--tag", "v9")
    assert gone.code == 3, gone.output
    assert f"the registry has no {IMAGE}:v9" in gone.output


def _assert_not_touched_again(on: Stack) -> None:
    again = _deployed(on, "v2")
    assert "is replaced" not in again, again
    assert "Service web had not changed" in again


def _digest(on: Stack) -> str:
    """What the release that serves has been pulled by, which is what the Swarm is told."""
    state = f"{on.directory}/.schedgen"
    served = json.loads(on.box.sh(f"cat {state}/releases/$(cat {state}/current)/release.json"))
    digest = str(served["services"]["web"]["digest"])
    assert digest.startswith(f"{IMAGE}@sha256:")
    told = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    for service in ("web", "worker"):
        assert on.box.sh(f"docker service inspect --format '{told}' imaged_{service}") == digest
    return digest


def _prune(nodes: Sequence[Box]) -> None:
    """No node has a release's images but those that run."""
    for box in nodes:
        names = f"(docker images -q --no-trunc {IMAGE}; docker images -q --no-trunc 'imaged-w*') | sort -u"
        box.sh(f"{names} | xargs -rn1 docker rmi -f > /dev/null 2>&1 || true")
        assert "no basic auth" in box.sh(f"docker pull {IMAGE}:v1 2>&1 || true")
