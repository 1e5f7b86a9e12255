"""A task that only some hosts can do, asked of the others alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import test_tasks
from fakes import FakeHost
from kit import written
from test_tasks import Capture, Inv

inv = test_tasks.inv


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("monitor.query", "up"), "Prometheus runs"),
        (("ops.migrations",), "migrations start"),
        (("ops.migrate", "--yes"), "migrations start"),
        (("ops.end-session", "42", "--yes"), "the database runs"),
    ],
)
def test_no_host_that_can_is_no_success(inv: Inv, capsys: Capture, words: tuple[str, ...], what: str) -> None:
    hosts = [{"name": "app1", "address": "a"}, {"name": "app2", "address": "b", "services": ["backend"]}]
    Path("config/staging.yaml").write_text(written(hosts=hosts))
    asked = FakeHost("app2")
    assert inv(*words, "--hosts", "app2", on=[asked]) == 2
    assert f"{what} on no host that was chosen" in capsys.readouterr().err
    assert asked.commands == []


@pytest.mark.parametrize("wanted", ["", ",", "backend,", " ,backend"])
@pytest.mark.parametrize(
    "words",
    [
        ("ops.build",),
        ("ops.restart", "--yes"),
        ("ops.stop", "--yes"),
        ("ops.start",),
        ("ops.scale", "--count", "2"),
        ("logs",),
        ("status", "--hosts"),
        ("ops.build", "all", "--hosts"),
        ("deploy", "--hosts"),
    ],
)
def test_an_empty_name_is_refused_and_never_means_all(
    inv: Inv, capsys: Capture, words: tuple[str, ...], wanted: str
) -> None:
    asked = FakeHost("app1")
    assert inv(*words, wanted, on=[asked]) == 2
    assert "''" in capsys.readouterr().err
    assert asked.commands == []


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "--env"),
        ("status", "--env"),
        ("history", "--env"),
        ("rollback", "--yes", "--to"),
        ("emergency.recover", "--yes", "--id"),
        ("emergency.database", "--yes", "--id"),
    ],
)
def test_an_empty_value_never_means_the_one_that_nobody_chose(
    inv: Inv, capsys: Capture, words: tuple[str, ...]
) -> None:
    asked = FakeHost("app1")
    assert inv(*words, "", on=[asked]) == 2
    assert "not ''" in capsys.readouterr().err
    assert asked.commands == []
