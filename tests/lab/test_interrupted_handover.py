"""The first deploy hands the published ports over: struck at any command of that, it is put right again."""

from __future__ import annotations

from pathlib import Path

import aftermath
import blows
import deploy_kit as kit
import pytest
from blows import Case
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

CASES = blows.cases(
    ("before the new ones start", r"up --detach .*--scale", blows.killed),
    ("trying the ingress out", r"run --detach .*schedgen-ingress", blows.rebooted),
    ("while nobody has the ports", r"^start [0-9a-f]{64}$", blows.engine_restarted),
    ("before the old ones go", r"^rm --force [0-9a-f]{64}", blows.cut),
)


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    """An operator of host 1, which nobody has deployed to."""
    return Operator(lab, tmp_path, (host,)).configure(**blows.BARE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_handover_that_is_struck_is_put_right(op: Operator, host: Box, case: Case) -> None:
    rows = host.count("jobs")
    with blows.gate(host):
        blows.shut(host, case.at)
        run = op.start("deploy", "--branch", "v1.2.2")
        blows.struck(host, run, case.blow)
        ran = run.wait()
        blows.engine_answers(host)
    found = list(aftermath.untrue(host, ran))
    found += aftermath.not_home(host, op("deploy.recover"), ingress=False)
    assert not found, "\n".join([*found, "it said:", ran.output])
    assert host.count("jobs") == rows
    kit.serves(host, host.version(), 3)
