"""A hand-over of the ports that was cut off, by a reboot or by the engine's end: ended, or taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_stub import PROXY, Engine

from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.remote import Result

WEB = {"web": ServiceRecord("p-web:r2", "id", "d", strategy="ingress", proxies=("web_80",))}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def adopt(engine: Engine, *, repair: bool = False) -> Result:
    engine.say(proxies="web_80", release="r1-adopted")
    paths = Paths(str(engine.state.parent / "project's dir"))
    release = Path(paths.release(ReleaseId("r1")))
    release.mkdir(parents=True, exist_ok=True)
    (release / "haproxy.cfg").write_text("frontend web_80\n")
    return engine.run(engine.compose.ingress(paths, str(release), WEB, 20, proxy=PROXY, repair=repair))


def services(engine: Engine) -> list[str]:
    """Service and release of every container that runs, oldest first."""
    rows = [text.split() for text in engine.containers.values()]
    return [f"{service} {release}" for service, status, _, release in rows if status == "running"]


# Where it was cut off: what there is beside the web that had the ports, and whether that was stopped.
CUT_OFF = {
    "before the ingress was made": ("", False),
    "before the web was stopped": ("created", False),
    "while nobody had the ports": ("created", True),
}


def cut_off(engine: Engine, ingress: str, *, stopped: bool) -> None:
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


def test_an_ingress_that_was_lost_comes_back_before_the_containers_that_it_had(engine: Engine) -> None:
    engine.has("web")
    assert adopt(engine).ok
    (engine.root / "containers" / "3").write_text("schedgen-ingress exited healthy r1-adopted\n")
    before = engine.containers
    assert adopt(engine, repair=True).ok
    assert engine.containers == before | {"3": "schedgen-ingress running healthy r1-adopted"}
    assert "stop 2" not in engine.log
