"""One run at a time: who is in the way is named, and no way to die leaves the lock behind."""

from __future__ import annotations

import signal
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator, Running

from schedgen_ops.lab.place import Place

BUILDING = "=== Step 2: "
ROLLED = "[INFO] Service pdf-worker updated"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(health={"settle": 1}, lock={"lease": 20})


def test_no_end_of_a_deploy_leaves_half_of_it_or_the_lock(op: Operator, host: Box) -> None:
    commit = host.sh("git rev-parse HEAD")
    _assert_interrupted(op, host, signal.SIGTERM, BUILDING)
    _assert_cut(op, host)
    _assert_unlocked(op, host)
    _assert_interrupted(op, host, signal.SIGINT, ROLLED)
    kit.untouched(host, "1.2.2", commit)
    dead = _assert_others_wait_until_it_is_killed(op, host)
    ran = op.deploy("v1.2.3")
    assert f"[WARN] An earlier run was interrupted: {dead}" in ran.stdout
    kit.serves(host, "1.2.3")
    states = [record["state"] for record in kit.records(host)]
    assert states == ["ADOPTED", *["FAILED"] * 5, "DONE"]


def _begun(op: Operator, until: str) -> Running:
    run = op.start("deploy", "--branch", "v1.2.3")
    run.until(until)
    return run


def _assert_taken_back(run: Running, host: Box, *told: str) -> None:
    ran = run.wait()
    assert ran.code == 4, ran.output
    assert kit.in_order(ran.stderr, told), ran.stderr
    assert "the old release still serves" in ran.stderr
    assert "Traceback" not in ran.output
    kit.untouched(host, "1.2.2", host.sh("git rev-parse v1.2.2^{commit}"))


def _assert_interrupted(op: Operator, host: Box, number: signal.Signals, where: str) -> None:
    run = _begun(op, where)
    run.signal(number)
    _assert_taken_back(run, host, "interrupted")
    assert host.sh("pgrep -fc 'docker[ -]compose' || true", user="root") == "0"


def _assert_cut(op: Operator, host: Box) -> None:
    run = _begun(op, BUILDING)
    host.sh("pkill -KILL -u deploy sshd", user="root")
    # Whichever of the two steps that run then heard of it first.
    _assert_taken_back(run, host, "the connection was lost", host.name, "step:")


def _assert_unlocked(op: Operator, host: Box) -> None:
    """The run hangs, its lock is ended for it, and it notices before it goes on."""
    run = _begun(op, BUILDING)
    run.signal(signal.SIGSTOP)
    try:
        asked = op("deploy.unlock")
        assert (asked.code, kit.lock_is_free(host)) == (2, False)
        ended = op("deploy.unlock", "--yes")
        assert (ended.code, "deploy v1.2.3 since" in ended.stdout) == (0, True)
        assert kit.lock_is_free(host)
    finally:
        run.signal(signal.SIGCONT)
    _assert_taken_back(run, host, "the lock was lost")
    assert "was free" in op("deploy.unlock", "--yes").stdout


def _assert_others_wait_until_it_is_killed(op: Operator, host: Box) -> str:
    """Its record's id; nobody but the next deploy can take it back."""
    run = _begun(op, BUILDING)
    count = len(kit.backups(host))
    for second in (op("deploy", "--branch", "v1.2.4"), op("backup")):
        assert second.code == 7, second.output
        assert kit.in_order(second.stderr, ("another run is at work here", "@", "deploy v1.2.3 since"))
        assert "inv deploy.unlock" in second.stderr
    assert len(kit.backups(host)) == count
    run.signal(signal.SIGKILL)
    assert run.wait().code == -signal.SIGKILL
    kit.wait_for(lambda: kit.lock_is_free(host), "the lock to end", 30)
    kit.serves(host, "1.2.2")
    record = kit.records(host)[-1]
    assert record["state"] == "STARTED"
    return str(record["id"])
