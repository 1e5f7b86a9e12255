"""One run at a time: who is in the way is named, and no way to die leaves the lock behind."""

from __future__ import annotations

import signal
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

BUILDING = "=== Step 2: "
ROLLING = "=== Step 5: "


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(health={"settle": 1}, lock={"lease": 20})


def test_a_second_deploy_is_refused_and_a_killed_one_holds_nothing(op: Operator, host: Box) -> None:
    commit = host.sh("git rev-parse HEAD")
    first = op.start("deploy", "--branch", "v1.2.3")
    first.until(BUILDING)
    second, by_hand = op("deploy", "--branch", "v1.2.4"), op("backup")
    for ran in (second, by_hand):
        assert ran.code == 7, ran.output
        assert kit.in_order(ran.stderr, ("another run is at work here", "@", "deploy v1.2.3 since"))
        assert "inv deploy.unlock" in ran.stderr
    assert len(kit.backups(host)) == 1
    first.signal(signal.SIGKILL)
    assert first.wait().code == -signal.SIGKILL
    kit.wait_for(lambda: kit.lock_is_free(host), "the lock to end", 30)
    kit.serves(host, "1.2.2")
    ran = op.deploy("v1.2.3")
    dead = kit.records(host)[1]
    assert (dead["branch"], dead["state"]) == ("v1.2.3", "FAILED")
    assert f"[WARN] An earlier run was interrupted: {dead['id']}" in ran.stdout
    kit.serves(host, "1.2.3")
    assert host.sh("git rev-parse HEAD") != commit


def test_a_deploy_that_is_interrupted_is_taken_back(op: Operator, host: Box) -> None:
    commit = host.sh("git rev-parse HEAD")
    for number, where in (
        (signal.SIGTERM, BUILDING),
        (signal.SIGINT, "[INFO] Service pdf-worker updated"),
    ):
        run = op.start("deploy", "--branch", "v1.2.3")
        run.until(where)
        run.signal(number)
        ran = run.wait()
        assert ran.code == 4, ran.output
        assert "interrupted" in ran.stderr
        assert "the old release still serves" in ran.stderr
        assert "Traceback" not in ran.output
        kit.untouched(host, "1.2.2", commit)
        assert kit.records(host)[-1]["state"] == "FAILED"
        assert host.sh("pgrep -fc 'docker[ -]compose' || true", user="root") == "0"


def test_a_connection_that_is_cut_ends_the_deploy_and_not_the_next_one(op: Operator, host: Box) -> None:
    commit = host.sh("git rev-parse HEAD")
    run = op.start("deploy", "--branch", "v1.2.3")
    run.until(BUILDING)
    host.sh("pkill -KILL -u deploy sshd", user="root")
    ran = run.wait()
    assert ran.code == 4, ran.output
    assert kit.in_order(ran.stderr, ("connection", host.name, "Building containers"))
    kit.untouched(host, "1.2.2", commit)
    op.deploy("v1.2.3")
    kit.serves(host, "1.2.3")


def test_unlock_ends_the_lock_of_a_run_that_hangs(op: Operator, host: Box) -> None:
    run = op.start("deploy", "--branch", "v1.2.3")
    run.until(BUILDING)
    run.signal(signal.SIGSTOP)
    try:
        asked = op("deploy.unlock")
        assert (asked.code, kit.lock_is_free(host)) == (2, False)
        ended = op("deploy.unlock", "--yes")
        assert ended.code == 0, ended.output
        assert "deploy v1.2.3 since" in ended.stdout
        assert kit.lock_is_free(host)
    finally:
        run.signal(signal.SIGCONT)
    ran = run.wait()
    assert ran.code in (4, 5), ran.output
    assert "the lock was lost" in ran.stderr
    kit.serves(host, "1.2.2")
    assert "was free" in op("deploy.unlock", "--yes").stdout
