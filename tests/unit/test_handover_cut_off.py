"""A hand-over of the ports that was cut off, by a reboot or by the engine's end: ended, or taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_stub import Engine
from handover_kit import adopt, services


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


# Where it was cut off: what there is beside the web that had the ports, and whether that was stopped.
CUT_OFF = {
    "before the ingress was made": ("", False),
    "before the web was stopped": ("created", False),
    "while nobody had the ports": ("created", True),
}


def cut_off(engine: Engine, ingress: str, *, stopped: bool, detour: bool = False) -> None:
    engine.has("web")
    state = "exited" if stopped else "running"
    boxes = {"1": f"web {state} healthy r1", "2": "web running healthy r1-adopted"}
    if ingress:
        boxes["3"] = f"schedgen-ingress {ingress} healthy r1-adopted"
    for name, text in boxes.items():
        (engine.root / "containers" / name).write_text(f"{text}\n")
    for name in ("made-2", "made-3"):
        (engine.root / name).touch()
    engine.say(next="4")
    noted = engine.state.parent / "project's dir/.schedgen/stopped/ports"
    noted.parent.mkdir(parents=True)
    noted.write_text("1\n" if stopped else "")
    if detour:
        (noted.parents[1] / "detour").write_text("sha256:ingress\n")
        (engine.root / "containers" / "beef").write_text("trial running healthy r0\n")


@pytest.mark.parametrize(("ingress", "stopped"), CUT_OFF.values(), ids=CUT_OFF)
def test_a_hand_over_that_was_cut_off_is_taken_back_unless_the_ingress_answers(
    engine: Engine, ingress: str, stopped: bool
) -> None:
    cut_off(engine, ingress, stopped=stopped)
    engine.say(reach="DOWN")
    assert adopt(engine, repair=True).ok
    assert engine.containers == {"1": "web running healthy r1"}
    assert "rm 1" not in engine.log
    # It can begin again.
    engine.say(reach="UP")
    assert adopt(engine).ok
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


@pytest.mark.parametrize("repair", [True, False])
def test_a_hand_over_that_was_cut_off_at_its_end_is_ended(engine: Engine, repair: bool) -> None:
    cut_off(engine, "running", stopped=True)
    assert adopt(engine, repair=repair).ok
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]
    assert engine.log.count("rm 1") == 1
    assert not list(engine.state.parent.glob("project's dir/.schedgen/stopped/*"))
    assert not list(engine.state.parent.glob("project's dir/.schedgen/detour"))


def test_one_that_was_tried_out_goes_though_nothing_leads_there_any_more(engine: Engine) -> None:
    cut_off(engine, "running", stopped=True)
    (engine.root / "containers" / "beef").write_text("trial running healthy r0\n")
    assert adopt(engine, repair=True).ok
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


def test_an_ingress_that_was_lost_comes_back_before_the_containers_that_it_had(engine: Engine) -> None:
    engine.has("web")
    assert adopt(engine).ok
    (engine.root / "containers" / "3").write_text("schedgen-ingress exited healthy r1-adopted\n")
    before = engine.containers
    assert adopt(engine, repair=True).ok
    assert engine.containers == before | {"3": "schedgen-ingress running healthy r1-adopted"}
    assert "stop 2" not in engine.log


@pytest.mark.parametrize("holds", [True, False], ids=["the rules hold", "who held them was killed"])
@pytest.mark.parametrize("reaches", ["UP", "DOWN"])
def test_what_led_past_a_hand_over_that_was_cut_off_goes(engine: Engine, reaches: str, holds: bool) -> None:
    cut_off(engine, "running", stopped=True, detour=True)
    engine.say(reach=reaches, **({"led": ""} if holds else {}))
    assert adopt(engine, repair=True).ok
    over = "detour over" if holds else "rules taken away"
    assert (engine.log.count(over), engine.log.count("rm beef")) == (1, 1)
    assert not list(engine.state.parent.glob("project's dir/.schedgen/stopped/*"))
    assert not list(engine.state.parent.glob("project's dir/.schedgen/detour"))
    # Until then somebody has the ports.
    assert reaches == "UP" or engine.log.index("start 1") < engine.log.index(over) < engine.log.index(
        "rm beef"
    )
