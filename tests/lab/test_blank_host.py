"""A host on which nothing of the project runs yet: its first deploy starts all of it, or leaves nothing."""

from __future__ import annotations

from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from data import shrink
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

# A clone and its .env, and nothing else of the project.
_NOTHING = """
docker ps -aq | xargs -r docker rm -fv
docker volume ls -q | xargs -r docker volume rm
docker network prune -f
rm -rf .schedgen backups
"""
_RUNS = "docker ps -a --format '{{.Label \"com.docker.compose.service\"}}' | sort"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    shrink(host)
    host.sh(_NOTHING)
    return Operator(lab, tmp_path, (host,)).configure()


def test_a_first_deploy_starts_everything_and_one_that_fails_leaves_nothing(op: Operator, host: Box) -> None:
    plan = op("deploy.plan", "--branch", "v1.2.3")
    assert kit.in_order(plan.stdout, ("Data", "postgres", "Ingress")), plan.output

    broken = op("deploy", "--branch", "broken-migration")
    assert (broken.code, "Nothing served here before" in broken.output) == (4, True), broken.output
    assert host.sh(_RUNS).split() == []

    ran = op.deploy("v1.2.3")
    told = ("starting postgres", "Backup integrity verified", "Migrations completed")
    assert kit.in_order(ran.stdout, told), ran.stdout
    assert {*host.sh(_RUNS).split()} >= kit.SERVICES
    assert op("verify.quick").code == 0
    # From here on it is as any other.
    again = op.deploy("v1.2.3")
    assert "No service had changed" in again.stdout
