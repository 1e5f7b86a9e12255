"""Releases that are images of a registry with a password: no git, no build, nothing left of who signed in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from box import Box
from registry import SERVER, push, registry
from stack_kit import Stack, pulled

from schedgen_ops.lab.place import Place

USER, PASSWORD = "ci", "a-Pass.word:of/CI"
IMAGE = f"{SERVER}/team/shop"
DOOR = "http=127.0.0.1:8126"


@contextmanager
def shop(lab: Place, host: Box, folder: Path) -> Iterator[Stack]:
    """The stack, with v1 and v2 in its registry, and a v3 that ends at once; nothing of them on the host."""
    (folder / "password").write_text(PASSWORD)
    with registry(host, USER, PASSWORD), pulled("pulled", lab, host, folder) as stack:
        context = f"{stack.directory}-ci"
        push(host, USER, PASSWORD, {f"{IMAGE}:v{n}": str(n) for n in (1, 2)}, context)
        host.sh(f"echo 'process.exit(1)' > {context}/server.js")
        push(host, USER, PASSWORD, {f"{IMAGE}:v3": "3"}, context)
        yield stack


def test_images_that_ci_built(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with shop(lab, empty_host, tmp_path) as stack:
        stack.deploy("v1")
        assert _are(stack, "1")
        plan = stack.op("deploy.plan", "--tag", "v2")
        assert plan.code == 0, plan.output
        assert "commit" not in plan.output.lower()
        assert f"its image is {IMAGE}:v2" in " ".join(plan.stdout.split())
        queue = stack.inside("queue", "hostname")
        with stack.visitors(DOOR) as ended:
            stack.deploy("v2")
            assert _are(stack, "2")
            gone = stack.op("deploy", "--tag", "v9")
            assert gone.code == 3, gone.output
            assert f"the registry has no {IMAGE}:v9" in gone.output
            broken = stack.op("deploy", "--tag", "v3")
            assert broken.code == 4, broken.output
            assert _are(stack, "2")
            # A tag that moves is what it is now, and a way back is what it was.
            push(empty_host, USER, PASSWORD, {f"{IMAGE}:v2": "2b"}, f"{stack.directory}-ci2")
            assert "Service web updated" in stack.deploy("v2")
            assert _are(stack, "2b")
            empty_host.sh("docker image prune -f")
            back = stack.op("rollback", "--yes")
            assert back.code == 0, back.output
            assert _are(stack, "2")
            (seen,) = ended().values()
        assert {*seen} == {"1", "2", "2b"}, seen
        assert stack.inside("queue", "hostname") == queue
        state = f"{stack.directory}/.schedgen"
        served = json.loads(empty_host.sh(f"cat {state}/releases/$(cat {state}/current)/release.json"))
        assert served["services"]["web"]["digest"].startswith(f"{IMAGE}@sha256:")
        assert empty_host.sh(f"docker images -q {IMAGE}:v3") == ""
        assert not _left(empty_host, tmp_path)


def _are(stack: Stack, version: str) -> bool:
    """Whether all of it runs, the project's own with that version."""
    assert stack.runs() == {"web", "worker", "queue"}
    return {stack.inside(each, "cat", "version") for each in ("web", "worker")} == {version}


def _left(host: Box, folder: Path) -> list[str]:
    """Where the password is, on the host and in what runs wrote here."""
    where = "/home /root /tmp /dev/shm /var/tmp /run /etc"
    looked = f"grep -rlFs -e '{PASSWORD}' {where} || true; ls -d /dev/shm/schedgen-* || true"
    ours = [path for path in (folder / "state").rglob("*") if path.is_file()]
    return [
        *host.sh(looked, user="root").split(),
        *(str(path) for path in ours if PASSWORD in path.read_text()),
    ]
