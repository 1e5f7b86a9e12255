"""What a deploy replaced stands by, and serves again at once: under load, on a host of the lab."""

from __future__ import annotations

import json
from pathlib import Path

import aftermath
import blows
import deploy_kit as kit
import pytest
from box import AsLeft, Box
from deploy_kit import Operator
from load import failed, load

from schedgen_ops.lab.place import Place

STANDING = (
    "docker ps --filter name=-schedgen-standby --format '{{.Label \"com.docker.compose.service\"}}' | sort"
)
BEHIND = ["backend", "frontend"]


@pytest.fixture
def host(as_left: AsLeft) -> Box:
    return as_left.box


def test_requests_go_back_to_what_stands_by_and_the_rest_follows(
    lab: Place, host: Box, tmp_path: Path
) -> None:
    op = Operator(lab, tmp_path, (host,)).configure(
        health={"deadline": 60, "settle": 1}, rollout={"standby": 600}
    )
    op.deploy("v1.2.3")
    with load(host) as ended:
        plan = op("deploy.plan", "--branch", "v1.2.4").stdout
        assert "what is replaced of backend, frontend, for 600s; it takes " in plan
        op.deploy("v1.2.4")
        assert host.sh(STANDING).split() == BEHIND
        # Nobody else takes them for the service's own.
        assert op("verify.quick").code == 0
        assert "standby" not in op("status").stdout
        stood = host.sh("docker ps -q --no-trunc --filter name=-schedgen-standby").split()
        assert "backend, frontend" in op("deploy.status").stdout
        back = op("rollback", "--yes")
        seen = ended()
    assert back.code == 0, back.output
    assert not failed(seen)
    kit.serves(host, "1.2.3")
    # The very containers, as they were.
    now = host.sh("docker ps -q --no-trunc --filter label=com.docker.compose.project=schedgen").split()
    assert {*stood} <= {*now}
    policies = "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' "
    assert {*host.sh(policies + " ".join(stood)).split()} == {"unless-stopped"}
    assert kit.in_order(back.stdout, ("Moving requests back", "answers every request", "Pre-flight Checks"))
    assert host.sh("ls -A .schedgen/standby .schedgen/cut 2>/dev/null | grep -v : || true").split() == []
    assert host.sh("git rev-parse HEAD") == host.sh("git rev-parse 'v1.2.3^{commit}'")
    states = {record["commit"]: record["state"] for record in kit.records(host)}
    assert [*states.values()][-1] == "FAILED"
    # It goes on from there, and what stands by goes with the next run or by itself.
    op.configure(health={"deadline": 60, "settle": 1}, rollout={"standby": 5})
    op.deploy("v1.2.4")
    kit.wait_for(lambda: host.sh(STANDING) == "", "the standby to end")
    assert json.loads(host.get("/health"))["version"] == "1.2.4"


def test_going_back_that_is_ended_anywhere_ends_on_one_release_and_no_request_fails(
    lab: Place, as_left: AsLeft, tmp_path: Path
) -> None:
    host = as_left.box
    op = Operator(lab, tmp_path, (host,)).configure(**blows.BARE, rollout={"standby": 600})
    if as_left.fresh:
        op.deploy("v1.2.3")
    # Once requests were moved, while the containers get their names, and when the newer ones are to go.
    cases = (("^rename ", blows.killed), ("^network connect .*--alias", blows.cut), ("^stop ", blows.killed))
    with blows.gate(host), load(host) as ended:
        for pattern, blow in cases:
            op.deploy("v1.2.4" if host.version() == "1.2.3" else "v1.2.3")
            blows.shut(host, pattern)
            run = op.start("rollback", "--yes")
            blows.struck(host, run, blow)
            run.wait()
            found = list(aftermath.not_home(host, op("deploy.recover")))
            assert not found, (pattern, found)
            assert (
                host.sh("ls -A .schedgen/standby .schedgen/cut 2>/dev/null | grep -v : || true").split() == []
            )
        assert not failed(ended())
