"""Deploys to two hosts: all or none, each with its role, and a host whose docker needs sudo."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

QUICK = {"settle": 1}
NO_DATA = ["redis", "minio", "backend", "frontend", "pdf-worker", "prometheus", "grafana"]
# The application's compose file starts all services everywhere: a host with a role has only its own.
CASCADE = """
echo 'FROM lab/node:22' > /tmp/empty
"""


@pytest.fixture
def op(lab: Place, two_hosts: tuple[Box, ...], tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, two_hosts).configure(health=QUICK, rollout={"batch": 2})


def test_two_hosts_are_deployed_together_or_not_at_all(op: Operator, two_hosts: tuple[Box, ...]) -> None:
    commits = [box.sh("git rev-parse HEAD") for box in two_hosts]
    _assert_unreachable_stops_all(op, two_hosts)
    _assert_failure_on_one_takes_both_back(op, two_hosts, commits)
    _assert_both(op, two_hosts)
    _assert_only_one(op, two_hosts)


def _assert_unreachable_stops_all(op: Operator, boxes: tuple[Box, ...]) -> None:
    before = [(kit.tree(box), kit.engine(box)) for box in boxes]
    with socket.socket() as taken:
        taken.bind((boxes[1].address, 0))
        op.configure(hosts={"app2": {"port": taken.getsockname()[1]}})
        ran = op("deploy", "--branch", "v1.2.3")
    assert ran.code == 8, ran.output
    assert kit.in_order(ran.stderr, ("ERROR: ", "app2"))
    assert [(kit.tree(box), kit.engine(box)) for box in boxes] == before


def _assert_failure_on_one_takes_both_back(op: Operator, boxes: tuple[Box, ...], commits: list[str]) -> None:
    """The second host has no port 3000 left for the new frontend, once the old one is stopped."""
    op.configure(health=QUICK, rollout={"batch": 1})
    run = op.start("deploy", "--branch", "v1.2.3")
    run.until("app2: Service backend updated successfully")
    ran = run.wait()
    assert ran.code == 4, ran.output
    for box, commit in zip(boxes, commits, strict=True):
        kit.untouched(box, "1.2.2", commit)
        assert kit.records(box)[-1]["state"] == "FAILED"


def _assert_both(op: Operator, boxes: tuple[Box, ...]) -> None:
    op.configure(health=QUICK, rollout={"batch": 2}, hosts={"app2": {"migrates": False, "backs_up": False}})
    document = op.document("deploy", "--branch", "v1.2.3")
    assert (document["ok"], document["hosts"]) == (True, ["app1", "app2"])
    for box in boxes:
        kit.serves(box, "1.2.3")
    healthy = {
        message["host"] for message in document["messages"] if "All critical services" in message["text"]
    }
    assert healthy == {"app1", "app2"}


def _assert_only_one(op: Operator, boxes: tuple[Box, ...]) -> None:
    first, second = boxes
    before = kit.tree(first), kit.engine(first)
    op("deploy", "--branch", "v1.2.4", "--hosts", "app2")
    kit.serves(second, "1.2.4")
    assert (kit.tree(first), kit.engine(first)) == before
    unknown = op("deploy", "--branch", "v1.2.4", "--hosts", "app7")
    assert (unknown.code, "app7" in unknown.stderr) == (2, True)
    assert json.loads(first.get("/health"))["version"] == "1.2.3"
