"""Releases that are no good: each is taken back, says why, and leaves the old one serving."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place


@dataclass(frozen=True, slots=True)
class Broken:
    """A tag, and what its operator reads: the step, the reason, and the lines of a log that tell why.

    Attributes:
        anew: the services that have other containers afterwards than before.
    """

    tag: str
    step: str
    reason: str
    telling: tuple[str, ...]
    anew: frozenset[str] = frozenset()


BROKEN = (
    Broken(
        "broken-build",
        "Building containers",
        "Container build failed",
        ("npm error", "package-lock.json", "fast-levenshtein"),
    ),
    Broken(
        "broken-migration",
        "Running database migrations",
        "Database migrations failed",
        ('relation "job" does not exist', "AddUploader1719900000000"),
    ),
    Broken(
        "broken-health",
        "Rolling update - Application services",
        "Service backend failed health check after",
        ("templates not loaded",),
        # The first deploy that comes as far puts the ingress before those that publish ports.
        frozenset({"backend", "frontend", "grafana"}),
    ),
    Broken(
        "broken-crash",
        "Post-deployment verification",
        "was healthy and then ended with exit code 1",
        ('column "uploaded_at" does not exist',),
    ),
)


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,))


def test_every_bad_release_is_taken_back_and_the_next_good_one_goes_out(op: Operator, host: Box) -> None:
    commit = host.sh("git rev-parse HEAD")
    for broken in BROKEN:
        op.configure(health={"settle": 30 if broken.tag == "broken-crash" else 1})
        _assert_taken_back(op, host, broken, commit)
    op.configure(health={"settle": 1}).deploy("v1.2.3")
    kit.serves(host, "1.2.3")


def _assert_taken_back(op: Operator, host: Box, broken: Broken, commit: str) -> None:
    before = kit.containers(host)
    ran = op("deploy", "--branch", broken.tag)
    assert ran.code == 4, ran.output
    kit.untouched(host, "1.2.2", commit)
    after = kit.containers(host)
    assert {service for service in after if after[service] != before[service]} == broken.anew
    _assert_told(ran.stdout, ran.stderr, broken)
    record = kit.records(host)[-1]
    assert (record["state"], record["branch"]) == ("FAILED", broken.tag)
    assert broken.reason in record["error"]
    assert host.sh("cat .schedgen/current") == record["previous"]
    assert not [name for name in kit.images(host) if record["id"] in name]
    last = json.loads(op.newest("jsonl").splitlines()[-1])
    assert (last["event"], last["code"], last["step"]) == ("run.finished", 4, broken.step)


def _assert_told(stdout: str, stderr: str, broken: Broken) -> None:
    assert f": {broken.step} ===" in stdout
    assert "=== Deployment Complete ===" not in stdout
    assert kit.in_order(stderr, ("ERROR: ", broken.reason, "host:", "step:", broken.step, "log:"))
    assert "the old release still serves" in stderr
    assert "Traceback" not in stdout + stderr
    for line in broken.telling:
        assert line in stderr, f"{broken.tag}: {line!r} is not in:\n{stderr}"
