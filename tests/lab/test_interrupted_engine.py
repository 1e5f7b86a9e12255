"""A deploy is struck at a command of its engine's: what is said is true, and all is put right."""

from __future__ import annotations

from pathlib import Path

import aftermath
import blows
import pytest
from blows import Case
from box import AsLeft, Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

PLACES = {
    "Rolling update": r"^events .*event=health_status",
    "Cleaning up": r"^stop [0-9a-f]{64}",
}
CUTS = blows.cases(
    ("while what was replaced is cut off", r"^network disconnect ", blows.rebooted),
    ("before what was cut off is joined again to end", r"^network connect ", blows.killed),
)
MORE = {"Building containers": r" build ", "settling": r"^events --since"}


@pytest.fixture
def host(as_left: AsLeft) -> Box:
    return as_left.box


@pytest.fixture
def op(lab: Place, as_left: AsLeft, tmp_path: Path) -> Operator:
    """An operator of host 1, which is on v1.2.3 or v1.2.4 behind the ingress."""
    operator = Operator(lab, tmp_path, (as_left.box,)).configure(**blows.BARE)
    if as_left.fresh:
        operator.deploy("v1.2.3")
    return operator


def test_an_engine_restarted_in_the_middle_of_a_deploy_is_no_end_of_the_site(op: Operator, host: Box) -> None:
    found: list[str] = []
    for place, pattern in (PLACES | (MORE if blows.ALL else {})).items():
        found += _after(op, host, Case(place, pattern, blows.engine_restarted))
    assert not found, "\n".join(found)


def test_a_cut_that_is_struck_leaves_one_release_that_serves(op: Operator, host: Box) -> None:
    found: list[str] = []
    for case in CUTS:
        found += _after(op, host, case)
    assert not found, "\n".join(found)


def _after(op: Operator, host: Box, case: Case) -> list[str]:
    """What is wrong after a deploy was struck."""
    with blows.gate(host):
        blows.shut(host, case.at)
        run = op.start("deploy", "--branch", "v1.2.4" if host.version() == "1.2.3" else "v1.2.3")
        blows.struck(host, run, case.blow)
        ran = run.wait()
        blows.engine_answers(host)
    said = [*aftermath.untrue(host, ran), *aftermath.not_home(host, op("deploy.recover"))]
    return [f"{case}: {text}\n{ran.output}" for text in said]
