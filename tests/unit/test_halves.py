"""Half-exchanged data on a host that was not chosen: nobody who may use it is started elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from fakes import Answer, FakeHost
from kit import written
from test_backup_restore import boxes
from test_tasks import Capture, Inv

from schedgen_ops.errors import ConnectionLost

inv = test_tasks.inv
HALF = "look for half-exchanged data"


@pytest.fixture
def two(inv: Inv) -> tuple[FakeHost, FakeHost]:
    """The host of the data, and one that uses it."""
    data = ["postgres", "redis", "minio", "pdf-worker", "prometheus", "grafana"]
    near = {"name": "app1", "address": "a", "services": data}
    far = {"name": "app2", "address": "b", "services": ["backend", "frontend"], "migrates": False}
    Path("config/staging.yaml").write_text(written(hosts=[near, far]))
    answers: dict[Any, Answer] = {"docker inspect": boxes("backend"), "schedgen-lock": "acquired \n"}
    empty: dict[Any, Answer] = {"docker inspect": "", "schedgen-lock": "acquired \n"}
    return FakeHost("app1", empty), FakeHost("app2", answers)


@pytest.mark.parametrize(
    "words",
    [
        ("ops.restart", "backend", "--yes"),
        ("ops.restart", "backend", "--yes", "--hosts", "app2"),
        ("deploy.recover", "--hosts", "app2"),
    ],
)
def test_nobody_elsewhere_is_touched(
    inv: Inv, capsys: Capture, two: tuple[FakeHost, FakeHost], words: tuple[str, ...]
) -> None:
    near, far = two
    near.answers[HALF] = "swapping b\n"
    assert inv(*words, on=[near, far]) == 3
    said = capsys.readouterr().err
    assert "data was being exchanged" in said
    assert "app1" in said
    assert not [title for command in far.commands if "start" in (title := command.title)]


def test_a_host_that_was_left_out_and_does_not_answer_is_a_warning(
    inv: Inv, capsys: Capture, two: tuple[FakeHost, FakeHost]
) -> None:
    near, far = two
    near.answers[HALF] = ConnectionLost("gone")
    far.answers[re.compile("docker.* restart ")] = ""
    assert inv("ops.restart", "backend", "--yes", "--hosts", "app2", on=[near, far]) == 0
    assert "Whether data is half exchanged here is not known: gone" in capsys.readouterr().out
