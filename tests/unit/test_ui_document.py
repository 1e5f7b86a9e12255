"""`--json`: what a program reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ui_kit import Face, runbook_run, started

from schedgen_ops.errors import Refused
from schedgen_ops.events import Fact, Message, RunFinished, StepFailed, StepFinished, StepStarted
from schedgen_ops.ui.tables import Table


def document(face: Face) -> dict[str, Any]:
    value = json.loads(face.out)
    assert isinstance(value, dict)
    return value


def test_stdout_is_one_document_and_people_read_stderr(tmp_path: Path) -> None:
    face = Face(json_output=True, log_dir=tmp_path)
    face.tell(*runbook_run("app1"))
    value = document(face)
    assert (value["command"], value["run"], value["env"]) == ("deploy", "20241130_143000", "production")
    assert (value["ok"], value["exit_code"], value["error"]) == (True, 0, None)
    assert value["seconds"] == 83.0
    assert value["hosts"] == ["app1"]
    assert value["summary"] == {"Branch": "main"}
    assert value["steps"][1] == {
        "number": "0",
        "title": "Pre-deployment backup",
        "state": "done",
        "seconds": 1.5,
    }
    assert value["messages"][0] == {
        "level": "info",
        "text": "Pre-flight checks passed",
        "host": "app1",
        "step": "Pre-flight Checks",
    }
    assert value["log"] == str(tmp_path / "deploy-20241130_143000.log")
    assert "=== Step 0: Pre-deployment backup ===" in face.err


def test_facts_are_found_by_name_and_by_host() -> None:
    face = Face(json_output=True)
    face.tell(started("a", "b"), Fact("release", "v1.2.3"), Fact("disk", 11, "a"), Fact("disk", 12, "b"))
    value = document(face)
    assert value["facts"] == {"release": "v1.2.3"}
    assert value["host_facts"] == {"a": {"disk": 11}, "b": {"disk": 12}}


def test_a_failure_says_what_where_and_what_next() -> None:
    face = Face(json_output=True)
    face.tell(
        started("app1", steps=(("1", "Pulling"), ("2", "Building"), ("3", "Migrating"))),
        StepStarted("1", "Pulling"),
        StepFinished("1", "Pulling", 1.0),
        StepStarted("2", "Building"),
        StepFailed("2", "Building", 9.0, "Build failed"),
        RunFinished(4, "Failed", 12.0, "Build failed", "Fix it", "a\nb", "app1", "Building"),
    )
    value = document(face)
    assert (value["ok"], value["exit_code"]) == (False, 4)
    assert [step["state"] for step in value["steps"]] == ["done", "failed", "pending"]
    assert value["error"] == {
        "message": "Build failed",
        "hint": "Fix it",
        "host": "app1",
        "step": "Building",
        "detail": ["a", "b"],
    }
    assert "ERROR: Build failed" in face.err


def test_an_error_before_any_run_is_a_document_too() -> None:
    face = Face(json_output=True)
    with pytest.raises(Refused), face.ui:
        raise Refused("Work tree is dirty", hint="Commit first")
    value = document(face)
    assert (value["ok"], value["exit_code"], value["error"]["hint"]) == (False, 3, "Commit first")


def test_an_interrupted_run_is_not_ok() -> None:
    face = Face(json_output=True)
    face.ui.emit(started("app1"))
    face.ui.emit(StepStarted("1", "Pulling"))
    with pytest.raises(KeyboardInterrupt), face.ui:
        raise KeyboardInterrupt
    value = document(face)
    assert (value["ok"], value["exit_code"], value["steps"][0]["state"]) == (False, 130, "failed")
    assert value["error"]["step"] == "Pulling"


def test_results_are_in_the_document_with_their_raw_values() -> None:
    face = Face(json_output=True)
    with face.ui:
        face.ui.emit(Message("info", "Read 1 release"))
        face.ui.show(Table(("Release", "Started at"), (("v1", 12),)))
    assert document(face)["result"] == [{"release": "v1", "started_at": 12}]
