"""From a host that somebody runs by hand to a config: the reference application, every shape of stacks/."""

from __future__ import annotations

from pathlib import Path

from box import Box
from deploy_kit import Operator
from drafting_kit import at_home, drafted
from stack_kit import STACKS, stack

from schedgen_ops.lab.place import DIRECTORY, Place

# Those without a config of their own are drafted in test_stacks_of_others.py.
SHAPES = tuple(sorted(file.parent.name for file in STACKS.glob("*/config.yaml")))


def test_what_runs_on_a_host_becomes_a_config(lab: Place, host: Box, tmp_path: Path) -> None:
    before = host.sh("git status --porcelain; docker ps --all --quiet | sort")
    said = drafted(Operator(lab, tmp_path, (host,)), at_home(lab, tmp_path), DIRECTORY)
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


def test_every_shape_becomes_a_config(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    home = at_home(lab, tmp_path)
    for shape in SHAPES:
        with stack(shape, lab, empty_host, tmp_path / shape) as project:
            said = drafted(project.op, home, project.directory)
            assert said["project"] == shape
