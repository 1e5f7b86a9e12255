"""A watch that goes on without a laptop, on a real host: begun, asked, bad, told of in the report, ended."""

from __future__ import annotations

import re
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator
from test_verify import EASY, patient

from schedgen_ops.lab.place import Place


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(watch={"interval": 1}, limits=EASY, checks=patient())


def test_a_host_watches_on_after_the_connection_is_gone(op: Operator, host: Box) -> None:
    assert op("verify.extended", "--detach", "--duration", "86400").code == 0
    assert re.search(r"since 20\S+, watches this host already", op("verify.extended", "--detach").stderr)

    def judged(least: int) -> bool:
        found = re.search(r"0 of (\d+) rounds failed", op("status").stdout)
        return found is not None and int(found[1]) >= least

    kit.wait_for(lambda: judged(3), "three rounds", 60)
    ran = op("verify.report")
    assert ran.code == 0, ran.output
    assert "within the limits so far; the watch goes on" in ran.stdout
    with kit.as_root(host, "docker compose stop -t 0 backend", "docker compose start backend"):
        kit.wait_for(lambda: op("verify.report").code == 6, "a bad verdict", 60)
    assert op("verify.stop").code == 0
    ended = op("verify.report")
    assert (ended.code, "Ended by `inv verify.stop`" in ended.stdout) == (6, True), ended.output
    assert host.sh("pgrep -fc '[s]chedgen-watch' || true", user="root") == "0"
