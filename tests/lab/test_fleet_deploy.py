"""Deploys to two hosts: all or none, each with its role, and a host whose docker needs sudo."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import blows
import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator, Running

from schedgen_ops.lab.place import DIRECTORY, Place

QUICK = {"settle": 1}
NO_DATA = ["backend", "frontend", "pdf-worker", "prometheus", "grafana"]
ROLES: dict[str, dict[str, Any]] = {"app2": {"services": NO_DATA}}
LAST = "SELECT name FROM migrations ORDER BY id DESC LIMIT 1"
MIGRATED = f"docker compose exec -T postgres psql -U schedgen -tAc '{LAST}'"


@pytest.fixture
def op(lab: Place, two_hosts: tuple[Box, ...], tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, two_hosts)


def test_two_hosts_are_deployed_together_or_not_at_all(op: Operator, two_hosts: tuple[Box, ...]) -> None:
    _assert_unreachable_stops_all(op, two_hosts)
    _assert_failure_on_one_takes_both_back(op, two_hosts)
    _assert_each_in_its_role(op, two_hosts)
    _assert_only_one(op, two_hosts)
    _assert_one_that_was_away_catches_up(op, two_hosts)
    _assert_two_killed_in_the_middle_of_the_naming_end_on_one_release(op, two_hosts)


def _assert_unreachable_stops_all(op: Operator, boxes: tuple[Box, ...]) -> None:
    before = [(kit.tree(box), kit.engine(box)) for box in boxes]
    with socket.socket() as taken:
        taken.bind((boxes[1].address, 0))
        op.configure(hosts={"app2": {"port": taken.getsockname()[1]}})
        ran = op("deploy", "--branch", "v1.2.3")
    assert ran.code == 8, ran.output
    assert kit.in_order(ran.stderr, ("ERROR: ", "app2"))
    assert [(kit.tree(box), kit.engine(box)) for box in boxes] == before


def _assert_failure_on_one_takes_both_back(op: Operator, boxes: tuple[Box, ...]) -> None:
    """While the first host's services are replaced, the second one loses the image of its new frontend."""
    commits = [box.sh("git rev-parse HEAD") for box in boxes]
    run = op.configure(hosts=ROLES, health=QUICK).start("deploy", "--branch", "v1.2.3")
    run.until("=== Step 5: ")
    (name,) = [
        name for name in kit.images(boxes[1]) if "schedgen-frontend:2" in name and "adopted" not in name
    ]
    boxes[1].sh(f"docker rmi -f {name}")
    ran = run.wait()
    assert ran.code == 4, ran.output
    assert kit.in_order(ran.stderr, ("Service frontend failed", "app2", "Application services", name))
    assert "app1: Service frontend updated successfully" in ran.stdout
    for box, commit in zip(boxes, commits, strict=True):
        assert f"{box.name}: Service backend: the containers it had serve again" in ran.stdout
        kit.untouched(box, "1.2.2", commit)
        assert kit.records(box)[-1]["state"] == "FAILED"


def _assert_each_in_its_role(op: Operator, boxes: tuple[Box, ...]) -> None:
    first, second = boxes
    saved = kit.backups(first)
    op.configure(hosts=ROLES, health=QUICK, rollout={"batch": 2}, build={"once": True})
    document = op.document("deploy", "--branch", "v1.2.3")
    assert (document["ok"], document["hosts"]) == (True, ["app1", "app2"])
    told = {(message["host"], message["text"].split(" (")[0]) for message in document["messages"]}
    for box in boxes:
        kit.serves(box, "1.2.3")
        assert (box.name, "Service backend updated successfully") in told
        assert (box.name, "All critical services are healthy") in told
    assert (first.name, "Service redis unchanged, left as it is") in told
    # Built on the first one, the images are the same on both.
    (carried,) = [text for name, text in told if "built once: " in text]
    assert (second.name, carried) in told
    ours = {record["image"] for record in kit.records(second)[-1]["services"].values()}
    one, two = ({name: id_ for name, id_ in kit.images(box).items() if name in ours} for box in boxes)
    assert one == two
    assert {name.split(":")[0] for name in one} == {f"schedgen-{name}" for name in NO_DATA}
    assert second.sh("ls .schedgen/carried 2>/dev/null || echo none") == "none"
    assert (second.name, "Service redis unchanged, left as it is") not in told
    assert set(kit.records(second)[-1]["services"]) == set(NO_DATA)
    assert (len(kit.backups(first)), kit.backups(second)) == (len(saved) + 1, ())
    assert "AddPageCount" in first.sh(MIGRATED)
    assert "CreateEvents" in second.sh(MIGRATED)
    plan = op.document("deploy.plan", "--branch", "v1.2.4")["results"]
    assert {row["service"] for row in plan["app2: Services"] if row["action"] == "replace"} <= set(NO_DATA)
    assert plan["app1: Commits"] == plan["app2: Commits"] != []
    rows = op.document("deploy.history")["result"]
    assert [row["host"] for row in rows if row["serves"]] == ["app1", "app2"]


def _assert_only_one(op: Operator, boxes: tuple[Box, ...]) -> None:
    first, second = boxes
    before, count = (kit.tree(first), kit.engine(first)), len(kit.records(second))
    assert op("deploy", "--branch", "v1.2.3", "--hosts", "app2").code == 0
    assert len(kit.records(second)) == count + 1
    assert (kit.tree(first), kit.engine(first)) == before
    unknown = op("deploy", "--branch", "v1.2.3", "--hosts", "app7")
    assert (unknown.code, "There are: app1, app2" in unknown.stderr) == (2, True)


def _assert_one_that_was_away_catches_up(op: Operator, boxes: tuple[Box, ...]) -> None:
    first, second = boxes
    with socket.socket() as taken:
        taken.bind((second.address, 0))
        away = {"app2": {**ROLES["app2"], "port": taken.getsockname()[1]}}
        ran = op.configure(hosts=away, health=QUICK, hosts_down="skip")("deploy", "--branch", "v1.2.4")
    assert ran.code == 0, ran.output
    assert "app2 is left out: " in ran.output
    assert "Left out: app2" in ran.stdout
    assert (first.version(), second.version()) == ("1.2.4", "1.2.3")
    records = len(kit.records(first))
    caught = op.configure(hosts=ROLES, health=QUICK)("deploy.catch-up", "--yes")
    assert caught.code == 0, caught.output
    assert "Behind: app2" in caught.stdout
    kit.serves(second, "1.2.4")
    assert len(kit.records(first)) == records
    assert "Every host serves " in op("deploy.catch-up").stdout


def _assert_two_killed_in_the_middle_of_the_naming_end_on_one_release(
    op: Operator, boxes: tuple[Box, ...]
) -> None:
    """One has named the new release when it dies, and the other, and who ran it, were about to."""
    first, second = boxes
    before = first.sh("cat .schedgen/current")

    def all_gone(_: Box, run: Running) -> None:
        kit.wait_for(lambda: first.sh("cat .schedgen/current") != before, "the first host to name it")
        blows.killed(second, run)
        for box in boxes:
            blows.rebooted(box, run)

    with blows.gate(second):
        # What serves gets its restart policy before it is named.
        blows.shut(second, "^update --restart (always|unless|on-failure)")
        run = op.configure(hosts=ROLES, health=QUICK, rollout={"batch": 2}).start(
            "deploy", "--branch", "v1.2.3"
        )
        blows.struck(second, run, all_gone)
        run.wait()
    assert second.sh("cat .schedgen/current") != first.sh("cat .schedgen/current")
    said = op("deploy.status")
    assert "serves on app1, and not on app2: the run was cut off" in said.output
    ran = op("deploy.recover")
    assert ran.code == 0, ran.output
    assert "was taken back on app1 too" in ran.stdout
    for box in boxes:
        kit.serves(box, "1.2.4")
        assert json.loads(box.get("/health"))["version"] == "1.2.4"


_SUDO = """
command -v sudo || {{ apt-get update; apt-get install -y --no-install-recommends sudo; }}
useradd --create-home --shell /bin/bash sudoer && usermod --password '*' sudoer
echo 'sudoer ALL=(root) NOPASSWD: SETENV: /usr/bin/docker' > /etc/sudoers.d/sudoer
chown -R sudoer:sudoer {directory}
"""
_NO_SUDO = """
chown -R deploy:deploy {directory}
while pkill -KILL -u sudoer; do sleep 0.1; done
rm -f /etc/sudoers.d/sudoer; userdel --remove sudoer 2>/dev/null
"""


def test_a_user_who_may_only_sudo_docker_can_deploy(lab: Place, host: Box, tmp_path: Path) -> None:
    op = Operator(lab, tmp_path, (host,))
    sudoer = {host.name: {"user": "sudoer"}}
    with kit.as_root(host, _SUDO.format(directory=DIRECTORY), _NO_SUDO.format(directory=DIRECTORY)):
        without = op.configure(hosts=sudoer)("deploy", "--branch", "v1.2.3")
        assert (without.code, "Docker refuses this user" in without.stderr) == (3, True)
        op.configure(hosts=sudoer, sudo=True, health=QUICK).deploy("v1.2.3")
        assert json.loads(host.get("/health"))["version"] == "1.2.3"
        assert op("verify.quick").code == 0
        assert host.sh("find . ! -user sudoer | head", user="root") == ""
