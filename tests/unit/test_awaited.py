"""`--wait` of tasks that look before they lock: who is waited for, and what is told where it runs out."""

from __future__ import annotations

import re

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
