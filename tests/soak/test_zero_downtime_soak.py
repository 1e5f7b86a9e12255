"""Releases come, break, go back and are killed under load, ten times in a row: no request fails."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from box import Box  # noqa: E402
from deploy_kit import Operator  # noqa: E402
from load import failed, load  # noqa: E402

from schedgen_ops.lab import manager  # noqa: E402
from schedgen_ops.lab.place import LabHost, find_place  # noqa: E402
from schedgen_ops.lab.progress import Silent  # noqa: E402

TIMES = 10
BROKEN = ("broken-build", "broken-migration", "broken-health", "broken-crash")
# These get healthy, and are for the guard to find. Every eighth answer of broken-errors is an error of its
# own: it has no place among rounds in which no request fails.
UNSEEN = ("broken-slow", "broken-leak")
LONGEST = 30.0
"""Seconds after which a run is killed at the latest."""


@pytest.fixture
def op(tmp_path: Path) -> Operator:
    """Host 1 on v1.2.3, behind the ingress."""
    place = find_place(ROOT)
    manager.up(place, 1, Silent())
    manager.reset(place, 1, Silent())
    made = Operator(place, tmp_path, (Box(LabHost(1)),)).configure(health={"deadline": 120, "settle": 40})
    made.deploy("v1.2.3")
    return made.configure(health={"deadline": 120, "settle": 2})


@pytest.mark.parametrize("number", range(TIMES))
def test_no_request_fails_in_a_round_of_all_there_is(op: Operator, number: int) -> None:
    (host,) = op.boxes
    with load(host) as ended:
        op.deploy("v1.2.4")
        assert host.version() == "1.2.4"
        op.configure(health={"deadline": 120, "settle": 40})
        for branch in BROKEN:
            ran = op("deploy", "--branch", branch)
            assert ran.code == 4, (branch, ran.output)
            assert host.version() == "1.2.4"
        op.configure(health={"deadline": 120, "settle": 2})
        for branch in UNSEEN:
            op.deploy(branch)
            _assert_goes_back(op)
            assert host.version() == "1.2.4"
        _assert_goes_back(op)
        run = op.start("deploy", "--branch", "v1.2.4")
        time.sleep(random.Random(number).uniform(1, LONGEST))
        run.signal(signal.SIGKILL)
        run.process.wait(10)
        recovered = op("deploy.recover")
        assert recovered.code == 0, recovered.output
        assert host.version() in ("1.2.3", "1.2.4")
        seen = ended()
    assert not failed(seen), seen


def _assert_goes_back(op: Operator) -> None:
    back = op("rollback", "--yes")
    assert back.code == 0, back.output
