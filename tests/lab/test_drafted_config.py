"""From a host that somebody runs by hand to a config: the reference application, every shape of stacks/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from box import Box
from deploy_kit import Operator
from stack_kit import STACKS, stack

from schedgen_ops.lab.place import DIRECTORY, Place

SHAPES = tuple(sorted(folder.name for folder in STACKS.iterdir() if (folder / "compose.yaml").exists()))


@pytest.fixture
def home(lab: Place, tmp_path: Path) -> Path:
    """A stranger's home, whose ssh knows the lab's hosts."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    (ssh / "known_hosts").write_text(lab.known_hosts.read_text())
    (ssh / "config").write_text(f"Host *\n  IdentityFile {lab.key}\n")
    return ssh.parent


def drafted(op: Operator, home: Path, directory: str) -> dict[str, Any]:
    """What `inv init` wrote, which `config.check` takes and a plan was shown of."""
    (host,) = op.boxes
    where = f"deploy@{host.address}:{op.place.ssh_port}"
    env = {"HOME": str(home)}
    ran = op("init", "--host", where, "--directory", directory, "--replace", env=env)
    assert ran.code == 0, ran.output
    assert "what a deploy of" in ran.stdout
    checked = op("config.check", env=env)
    assert checked.code == 0, checked.output
    return dict(yaml.safe_load((op.folder / "config" / "lab.yaml").read_text()))


def test_what_runs_on_a_host_becomes_a_config(lab: Place, host: Box, tmp_path: Path, home: Path) -> None:
    before = host.sh("git status --porcelain; docker ps --all --quiet | sort")
    said = drafted(Operator(lab, tmp_path, (host,)), home, DIRECTORY)
    assert said["project"] == "schedgen"
    assert said["database"]["service"] == "postgres"
    assert said["objects"]["service"] == "minio"
    assert said["migrations"] == {
        "profile": "typeorm",
        "service": "backend",
        "path": "backend/src/migrations",
    }
    assert {"POSTGRES_PASSWORD", "MINIO_SECRET_KEY"} <= {*said["credentials"]}
    asked = {check["service"]: check["url"] for check in said["checks"]}
    assert asked["backend"] == "http://localhost:3001/health"
    assert asked["frontend"] == "http://localhost:3000/"
    assert host.sh("git status --porcelain; docker ps --all --quiet | sort") == before


def test_every_shape_becomes_a_config(lab: Place, host: Box, tmp_path: Path, home: Path) -> None:
    for shape in SHAPES:
        with stack(shape, lab, host, tmp_path / shape) as project:
            said = drafted(project.op, home, project.directory)
            assert said["project"] == shape
