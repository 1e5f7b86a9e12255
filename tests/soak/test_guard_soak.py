"""Ten good releases, guarded and under load, one after the other: none goes back, and no request fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

import aftermath  # noqa: E402
import blows  # noqa: E402
import deploy_kit as kit  # noqa: E402
from box import Box  # noqa: E402
from deploy_kit import Operator  # noqa: E402
from load import failed, load  # noqa: E402

from schedgen_ops.lab import manager  # noqa: E402
from schedgen_ops.lab.place import LabHost, find_place  # noqa: E402
from schedgen_ops.lab.progress import Silent  # noqa: E402

TIMES = 10
CANARY = ("--canary", "10,50", "--pause", "10")


@pytest.fixture
def op(tmp_path: Path) -> Operator:
    """Host 1 on v1.2.3, behind the ingress; every rule of the guard is on, and takes less time than usual."""
    place = find_place(ROOT)
    manager.up(place, 1, Silent())
    manager.reset(place, 1, Silent())
    made = Operator(place, tmp_path, (Box(LabHost(1)),))
    made.configure(
        health={"deadline": 120, "settle": 1},
        watch={"duration": 30, "interval": 1},
        guard={"warm_up": 10, "leak_samples": 12, "leak": 60},
    )
    made.deploy("v1.2.3")
    return made


def test_good_releases_are_never_taken_back(op: Operator) -> None:
    (host,) = op.boxes
    for number in range(TIMES):
        version = "1.2.4" if number % 2 == 0 else "1.2.3"
        with load(host, "/api/version") as ended:
            ran = op("deploy.guarded", "--branch", f"v{version}", *(CANARY if number % 5 == 4 else ()))
            seen = ended()
        assert ran.code == 0, (number, ran.output)
        assert host.version() == version
        assert not failed(seen), (number, seen)


def test_an_engine_restarted_under_a_watch_ends_in_one_release(op: Operator) -> None:
    (host,) = op.boxes
    op.configure(**blows.BARE, watch={"duration": 30, "interval": 1})
    run = op.start("deploy.guarded", "--branch", "v1.2.4")
    run.until("  Progress: ")
    blows.engine_restarted(host, run)
    ran = run.wait()
    blows.engine_answers(host)
    kit.wait_for(lambda: host.sh("ls -d .schedgen/guard 2>/dev/null || true") == "", "the guard to end", 180)
    found = [*aftermath.untrue(host, ran), *aftermath.not_home(host, op("deploy.recover"))]
    assert not found, "\n".join([*found, ran.output])
