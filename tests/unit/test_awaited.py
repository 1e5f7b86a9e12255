"""`--wait` of tasks that look before they lock: who is waited for, and what is told where it runs out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import test_halves
import test_tasks
from fakes import FakeHost
from test_tasks import BOB, Inv

inv = test_tasks.inv
two = test_halves.two
WHO, WAIT = "schedgen-lock-who", "schedgen-lock-wait"


@pytest.mark.parametrize("words", [("ops.restart", "backend", "--yes"), ("ops.stop", "backend", "--yes")])
def test_only_the_hosts_of_a_service_are_waited_for_and_looked_at_again(
    inv: Inv, two: tuple[FakeHost, FakeHost], words: tuple[str, ...]
) -> None:
    near, far = two
    near.answers[WHO] = f"held {BOB}"
    far.answers |= {WHO: [f"held {BOB}", "free\n"], WAIT: "", re.compile("docker.* (restart|stop) "): ""}
    inv(*words, "--wait", "5s", on=[near, far])
    assert not {WHO, WAIT} & {command.title for command in near.commands}
    titles = [command.title for command in far.commands]
    assert titles[:5] == ["docker inspect", WHO, WAIT, WHO, "docker inspect"]
    assert "schedgen-lock" in titles


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("rollback",), "rollback"),
        (("backup.restore", "pre-deployment-20250115_120000"), "restore"),
        (("backup.discard",), "discard"),
        (("emergency.recover",), "emergency"),
        (("emergency.database",), "emergency"),
    ],
)
def test_a_wait_that_runs_out_is_in_the_journal(
    inv: Inv, tmp_path: Path, words: tuple[str, ...], command: str
) -> None:
    host = FakeHost(answers={WHO: f"held {BOB}", WAIT: 1})
    assert inv(*words, "--yes", "--wait", "1s", on=[host]) == 7
    (journal,) = (tmp_path / "state/schedgen/staging").glob(f"{command}-*.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert any(line.get("code") == 7 for line in lines), lines


def test_a_rollback_that_waited_in_vain_calls_the_hook_of_a_failure(inv: Inv, tmp_path: Path) -> None:
    (tmp_path / "config/hooks").mkdir()
    hook = tmp_path / "config/hooks/on-failure"
    hook.write_text(f"#!/bin/sh\ncat > {tmp_path}/told\n")
    hook.chmod(0o755)
    host = FakeHost(answers={WHO: f"held {BOB}", WAIT: 1})
    assert inv("rollback", "--yes", "--wait", "1s", on=[host]) == 7
    assert json.loads((tmp_path / "told").read_text())["code"] == 7
