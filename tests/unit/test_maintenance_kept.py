"""What is noted of visitors who are turned away, once the ingress was configured anew: true, or gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from deploying import deploy
from engine_stub import Engine
from handover_kit import adopt
from simulated import SimHost

from schedgen_ops.events import Message
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

NOTED = "visitors of web, api are turned away (ann (at night))"
FILE = "/etc/schedgen-ingress/maintenance.map"


class Closed:
    """An ingress with a note, and a map that says who is turned away."""

    def __init__(self, root: Path) -> None:
        self.engine = Engine(root)
        self.engine.has("web")
        assert adopt(self.engine).ok
        self.folder = root / "project's dir/.schedgen/ingress"
        self.note, self.map = self.folder / "closed", self.folder / "maintenance.map"
        self.note.write_text(f"{NOTED}\n")
        self.close("*")

    def close(self, *routes: str) -> None:
        self.map.write_text("".join(f"{route} page:60:0:-\n" for route in routes))

    def configured(self, config: str = "frontend web_81\n") -> Result:
        answer = adopt(self.engine, config)
        assert answer.ok, answer
        return answer

    def said(self, config: str = "frontend web_81\n") -> list[str]:
        lines = self.configured(config).lines()
        return [line.removeprefix("say ") for line in lines if line.startswith("say ")]


@pytest.fixture
def closed(tmp_path: Path) -> Closed:
    return Closed(tmp_path)


def test_a_configuration_from_before_there_was_maintenance_ends_it_and_says_so(closed: Closed) -> None:
    closed.engine.say(unmapped="")
    (said,) = closed.said()
    assert said.startswith("Visitors are let in: the ingress as it is configured now turns nobody away")
    assert said.endswith(NOTED)
    assert not closed.note.exists()
    # The next release, whose configuration reads the map, closes nothing that nobody knows of.
    assert closed.map.read_text() == ""
    assert closed.said("frontend web_82\n") == []


def test_a_note_that_a_killed_run_left_without_its_map_goes_even_where_nothing_changed(
    closed: Closed,
) -> None:
    closed.close()
    answer = closed.configured("frontend web_80\n")
    assert "changed" not in answer.lines()
    assert "turns nobody away" in answer.stdout
    assert not closed.note.exists()


def test_what_the_new_configuration_reads_is_in_force_and_stays_noted(closed: Closed) -> None:
    before = len(closed.engine.log)
    assert closed.said() == []
    assert closed.note.read_text() == f"{NOTED}\n"
    assert closed.map.read_text() == "* page:60:0:-\n"
    assert [line for line in closed.engine.log[before:] if " map " in line] == []


def test_another_port_of_a_closed_service_is_closed_too(closed: Closed) -> None:
    closed.close("web_79")
    assert closed.said() == []
    assert closed.map.read_text() == "web_80 page:60:0:-\n"
    assert f"add map @7 {FILE} web_80 page:60:0:-" in closed.engine.log[-1]
    assert closed.note.read_text() == f"{NOTED}\n"


def test_a_closed_service_that_is_not_behind_it_any_more_is_told_and_noted(closed: Closed) -> None:
    closed.close("web_80", "api_90", "api_91")
    was = closed.note.stat().st_mtime_ns
    assert closed.said() == ["Visitors of api are let in: the ingress does not lead to it any more"]
    words = "visitors of web, api are turned away, not those of api any more (ann (at night))"
    assert closed.note.read_text() == f"{words}\n"
    assert closed.note.stat().st_mtime_ns == was
    assert closed.map.read_text() == "web_80 page:60:0:-\n"
    closed.close("api_90")
    (said,) = closed.said("frontend web_82\n")
    assert "turns nobody away" in said
    assert not closed.note.exists()


class Telling(SimHost):
    """Tells of visitors where its ingress is set."""

    def _reply(self, command: Command, deadline: float) -> Result:
        answer = super()._reply(command, deadline)
        told = answer.stdout == "gap 850000\nchanged\n"
        return replace(answer, stdout=f"say Visitors are let in\n{answer.stdout}") if told else answer


def test_the_operator_is_warned() -> None:
    outcome = deploy(Telling())
    assert Message("warn", "Visitors are let in", "app1") in outcome.events
