"""What a job of GitHub Actions shows beside its log."""

from __future__ import annotations

import json

import pytest
from ui_kit import Face

from schedgen_ops.errors import Refused
from schedgen_ops.events import Message

ACTIONS = {"GITHUB_ACTIONS": "true"}


def annotated(face: Face) -> list[str]:
    return [line for line in face.stderr.getvalue().splitlines() if line.startswith("::")]


@pytest.mark.parametrize("json_output", [False, True])
def test_warnings_and_errors_are_annotations_and_nothing_else_is(json_output: bool) -> None:
    face = Face(environ=ACTIONS, json_output=json_output)
    with face.ui as ui:
        ui.emit(Message("info", "all is well"))
        ui.emit(Message("warn", "80 % used, 20 % free", "app1"))
        ui.emit(Message("error", "no\nroom", "app1,2: x"))
    assert annotated(face) == [
        "::warning title=app1::80 %25 used, 20 %25 free",
        "::error title=app1%2C2%3A x::no%0Aroom",
    ]
    if json_output:
        json.loads(face.stdout.getvalue())
    else:
        assert "all is well" in face.stdout.getvalue()


def test_what_ended_a_run_is_an_annotation_with_what_to_do_next() -> None:
    face = Face(environ=ACTIONS)
    with pytest.raises(Refused), face.ui:
        raise Refused("not ready", host="app1", detail="no room", hint="Free some.")
    assert annotated(face) == ["::error title=app1%3A exit code 3::not ready%0Ano room%0AFree some."]


def test_hostile_text_begins_no_command_of_its_own() -> None:
    face = Face(environ=ACTIONS)
    with face.ui as ui:
        ui.emit(Message("warn", "x\r\n::add-mask::y\x1b[31m"))
    assert len(annotated(face)) == 1
    assert "\x1b" not in face.stderr.getvalue()


@pytest.mark.parametrize("environ", [{}, {"GITHUB_ACTIONS": ""}, {"GITHUB_ACTIONS": "false"}])
def test_elsewhere_there_are_none(environ: dict[str, str]) -> None:
    face = Face(environ=environ)
    with face.ui as ui:
        ui.emit(Message("warn", "80 % used"))
    assert annotated(face) == []
