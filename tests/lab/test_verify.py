"""Verification of what runs: one round, and a watch over a while."""

from __future__ import annotations

import re
import time
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

PROGRESS = re.compile(
    r"Progress: (\d+)s / (\d+)s \| Checks: (\d+) \| Failures: (\d+) \((\d+\.\d\d)%\) \| "
    r"Consecutive: (\d+) \| Remaining: (\d+)s"
)
WATCH = {"interval": 1}


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(watch=WATCH)


def test_quick_tells_what_runs_and_what_does_not(op: Operator, host: Box) -> None:
    good = op("verify.quick")
    assert good.code == 0, good.output
    checks = op.document("verify.quick")["result"]
    assert {row["verdict"] for row in checks} == {"passed"}
    assert len(checks) == 8 + 4
    with kit.as_root(host, "mv /usr/bin/curl /usr/bin/curl.away", "mv /usr/bin/curl.away /usr/bin/curl"):
        without = op("verify.quick")
    assert without.code == 0, without.output
    assert "200 in" in without.stdout
    with kit.as_root(host, "docker compose stop grafana", "docker compose start grafana"):
        bad = op("verify.quick")
    assert bad.code == 6, bad.output
    assert kit.in_order(bad.stderr, ("1 of 12 checks did not pass", "service grafana"))


def test_extended_watches_for_as_long_as_it_is_told(op: Operator, host: Box) -> None:
    started = time.monotonic()
    ran = op("verify.extended", "--duration", "4")
    assert ran.code == 0, ran.output
    assert time.monotonic() - started >= 3
    rows = [tuple(map(float, row)) for row in PROGRESS.findall(ran.stdout)]
    assert rows == [(n, 4, n, 0, 0, 0, 4 - n) for n in (1, 2, 3, 4)]
    shorter = op("verify.extended", env={"MONITORING_DURATION": "2"})
    assert (shorter.code, len(PROGRESS.findall(shorter.stdout))) == (0, 2)
    both = op("verify.extended", "--duration", "3", env={"MONITORING_DURATION": "2"})
    assert len(PROGRESS.findall(both.stdout)) == 3


def test_extended_fails_when_the_backend_is_away_for_three_rounds(op: Operator, host: Box) -> None:
    run = op.start("verify.extended", "--duration", "12")
    run.until("Checks: 1 ")
    with kit.as_root(host, "docker compose stop -t 0 backend", "docker compose start backend"):
        run.until("Consecutive: 3 ")
    ran = run.wait()
    assert ran.code == 6, ran.output
    assert re.search(r"(\d+) consecutive checks failed \(limit 3\)", ran.stderr)
    assert "http://localhost:3001/health" in ran.stderr
    assert "Verification Complete" not in ran.stdout
