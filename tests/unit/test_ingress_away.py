"""The ingress taken away: the script on an engine made of files, and what a task says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import test_tasks
from engine_stub import Engine
from fakes import FakeHost
from handover_kit import WEB, adopt, services
from kit import settings
from test_tasks import Capture, Inv

from schedgen_ops.ops import ingress
from schedgen_ops.release.record import Release, ReleaseId, State
from schedgen_ops.remote import Result

inv = test_tasks.inv
RELEASE = Release(ReleaseId("r1"), "v1", "b" * 40, State.DONE, services=WEB)
BEHIND = ["web r1-adopted", "schedgen-ingress r1-adopted"]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """web behind the ingress, as a deploy left it: container 2, and 3."""
    made = Engine(tmp_path)
    made.has("web")
    assert adopt(made).ok
    (made.root / "log").write_text("")
    return made


def away(engine: Engine) -> Result:
    engine.say(release="theirs")
    project = settings(directory=str(engine.state.parent / "project's dir"), project="schedgen")
    return engine.run(ingress.command(project, RELEASE))


def test_who_had_the_ports_has_them_and_who_comes_is_led_past_that(engine: Engine) -> None:
    answer = away(engine)
    assert (answer.code, answer.lines()) == (0, ("detour",)), answer
    assert services(engine) == ["web theirs"]
    done = ("made 4 web", "detour", "stop 3", "start 4", "detour over", "rm beef", "rm 3", "rm 2")
    told = [line.removeprefix("--time 60 ") for line in engine.log]
    assert [line for line in told if line in done] == list(done)
    assert not list(engine.state.parent.glob("project's dir/.schedgen/stopped/*"))
    # Another deploy takes the ports over again.
    (engine.root / "made-4").unlink()
    assert adopt(engine).ok
    assert services(engine) == BEHIND


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"health_web": "unhealthy"}, "is unhealthy"),
        ({"image_4": "other"}, "the image that the compose file names for web is not the one that serves"),
        ({"broken": "yes"}, "the containers with ports could not be created"),
        ({"reach": "DOWN"}, "it does not reach the services"),
        ({"stuck": "4"}, "the containers with ports could not be started"),
    ],
)
def test_where_that_cannot_be_the_ingress_has_the_ports_as_before(
    engine: Engine, behaviour: dict[str, str], said: str
) -> None:
    engine.say(**behaviour)
    answer = away(engine)
    assert (answer.code, answer.stderr.splitlines()[-1]) == (1, said)
    assert services(engine) == BEHIND
    assert engine.log.count("detour") == engine.log.count("detour over")
    assert not list(engine.state.parent.glob("project's dir/.schedgen/stopped/*"))


def test_nothing_is_done_without_an_ingress_that_runs_or_while_it_turns_visitors_away(engine: Engine) -> None:
    closed = engine.state.parent / "project's dir/.schedgen/ingress/closed"
    closed.write_text("visitors of all services are turned away (me)\n")
    assert away(engine).code == 11
    closed.unlink()
    (engine.root / "containers" / "3").write_text("schedgen-ingress exited healthy r1-adopted\n")
    assert away(engine).code == 10
    assert engine.log == []


def test_a_container_with_ports_that_runs_beside_the_ingress_is_nobody_of_ours(engine: Engine) -> None:
    (engine.root / "containers" / "4").write_text("web running healthy theirs\n")
    before = engine.containers
    answer = away(engine)
    assert answer.code == 1
    assert "a container of web runs that publishes ports itself" in answer.stderr
    assert engine.containers == before


def test_one_that_was_cut_off_before_the_ports_changed_hands_is_begun_anew(engine: Engine) -> None:
    (engine.root / "containers" / "4").write_text("web created healthy theirs\n")
    engine.say(next="5")
    assert away(engine).ok
    assert services(engine) == ["web theirs"]
    assert "rm 4" in engine.log


def test_one_that_was_cut_off_while_nobody_had_the_ports_is_ended_by_the_recovery(engine: Engine) -> None:
    (engine.root / "containers" / "3").write_text("schedgen-ingress exited healthy r1-adopted\n")
    (engine.root / "containers" / "4").write_text("web exited healthy theirs\n")
    state = engine.state.parent / "project's dir/.schedgen"
    (state / "stopped").mkdir(exist_ok=True)
    (state / "stopped/ports").write_text("4\n")
    assert adopt(engine, repair=True).ok
    assert services(engine) == ["web theirs"]


def test_a_host_without_an_ingress_is_told_so(inv: Inv, capsys: Capture) -> None:
    asked = FakeHost("app1", {"read the releases": "\n"})
    assert inv("ingress.remove", "--yes", on=[asked]) == 3
    assert "no service here is behind an ingress of ours" in capsys.readouterr().err


def test_what_is_behind_it_is_what_it_leads_to() -> None:
    inside = {**WEB, "worker": replace(WEB["web"], proxies=())}
    assert ingress.behind(replace(RELEASE, services=inside)) == ("web",)
