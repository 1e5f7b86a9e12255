"""What the scripts ask of a proxy, whatever program it is, and that nothing else knows the one there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from engine_stub import PROXY, Engine
from kit import programs_outside, settings

from schedgen_ops import host_scripts
from schedgen_ops.host_scripts import library, program
from schedgen_ops.ops import scaling
from schedgen_ops.proxy import PROXIES
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.remote import Result
from schedgen_ops.settings import Ingress
from schedgen_ops.shell import assignment, script

# Where the proxy that there is may be known: its own rooms, the registry, its settings, and the lab.
ROOMS = (
    *("proxy/haproxy.py", "proxy/__init__.py", "host_scripts/proxies/"),
    *("settings/ingress.py", "lab/"),
)
KNOWS = re.compile(
    r"haproxy|\bset (weight|server)\b|\bshow (stat|table|info|servers)\b|:9999\b|/9999\b", re.I
)


def test_nothing_but_its_own_rooms_knows_how_a_proxy_works() -> None:
    for name, text in programs_outside(ROOMS):
        assert (name, KNOWS.findall(text)) == (name, [])


def test_a_script_has_every_function_that_the_contract_lists() -> None:
    listed = set(re.findall(r"^#   (proxy_\w+)", host_scripts.text("lib/proxy.bash"), re.MULTILINE))
    assert len(listed) == 32
    scripts = list((host_scripts.FOLDER / "proxies").glob("*.bash"))
    assert {file.stem for file in scripts} == {*PROXIES}
    assert {*get_args(Ingress.model_fields["proxy"].annotation)} == {*PROXIES}
    assert Ingress.model_fields["proxy"].default in PROXIES
    for file in scripts:
        assert set(re.findall(r"^(proxy_\w+)\(\)", file.read_text(), re.MULTILINE)) == listed


# The watchdog's shares


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An ingress, 1, an old container of a service, 2, and a new one, 3."""
    made = Engine(tmp_path)
    made.has("schedgen-ingress", "web")
    made.say(release="r2", proxies="web_80")
    made.has("web")
    return made


def act(engine: Engine, words: str, routes: Sequence[str] = ("web_80",), health: str = "healthy") -> Result:
    """Run functions of the watchdog that has seen these two containers of the service."""
    rows = ((2, "r1", health), (3, "r2", "healthy"))
    seen = engine.root / "guard"
    seen.mkdir(exist_ok=True)
    (seen / "containers").write_text(
        "".join(
            f"{number}\tweb-{number}\tweb\t{release}\trunning\t{state}\t0\tfalse\tt\t10.0.0.{number},\n"
            for number, release, state in rows
        )
    )
    (seen / "now").write_text(
        "h o web_80/s1@10.0.0.2:80 3 0\nh n web_80/s2@10.0.0.3:80 5 1\na web_80 10.0.0.3:80\n"
    )
    values = {
        "docker": ("docker",),
        "project": "schedgen",
        "ingress": "1",
        "release": "r2",
        "state": str(engine.state),
        "dir": str(seen),
        "proxies": tuple(routes),
    }
    given = "".join(assignment(name, value) for name, value in values.items())
    parts = (library("rollout"), program("lib/proxy", proxy=PROXY.name), program("watch/look"))
    return engine.run(script("".join((given, *parts, program("watch/act"), words))))


def test_a_share_is_that_of_the_new_containers_and_never_more(engine: Engine) -> None:
    assert act(engine, "weights 10").ok
    assert engine.log[-1] == "ask set weight web_80/s2 28;set weight web_80/s1 256;"
    assert act(engine, "weights 100").ok
    assert engine.log[-1] == "ask set weight web_80/s2 100%;set weight web_80/s1 1;"


def test_a_route_whose_containers_are_not_seen_yet_stops_no_other(engine: Engine) -> None:
    answer = act(engine, "weights 10; echo went on", ("api_81", "web_80"))
    assert (answer.lines(), answer.stderr) == (("went on",), "")
    assert engine.log[-1] == "ask set weight web_80/s2 28;set weight web_80/s1 256;"


def test_old_containers_keep_the_requests_where_no_new_one_is_seen(engine: Engine) -> None:
    (engine.root / "containers/3").unlink()
    assert act(engine, "weights 10").ok
    assert engine.log[-1] == "ask set weight web_80/s1 256;"


def test_a_share_that_the_ingress_did_not_take_is_no_success(engine: Engine) -> None:
    engine.say(refuses="exec")
    assert not act(engine, "weights 10").ok


def test_old_containers_that_stand_by_get_everything_at_once(engine: Engine) -> None:
    assert act(engine, "move").ok
    assert engine.log[-1] == "ask set weight web_80/s1 256;set weight web_80/s2 0;"


def test_old_containers_that_are_not_well_get_nothing(engine: Engine) -> None:
    assert not act(engine, "move", health="unhealthy").ok
    assert engine.log == []


def test_a_service_without_a_route_is_retired_without_a_question_to_the_ingress(engine: Engine) -> None:
    record = ServiceRecord("i", "id", "d", replicas=1, strategy="start-first")
    command = engine.compose.retire(
        str(engine.state), "web", record, 1, proxy=PROXY, release_id=ReleaseId("r2")
    )
    answer = engine.run(command)
    assert answer.ok, answer
    assert [*engine.containers] == ["1", "3"]
    assert not (engine.root / "asked").exists()


# Guests, as a Swarm's ingress has them


@pytest.fixture
def visited(engine: Engine) -> Engine:
    """The new container is found by a name that it alone has."""
    (engine.root / "invited-3").touch()
    return engine


def test_guests_get_their_share_and_everybody_else_the_rest(visited: Engine) -> None:
    assert act(visited, "canary=yes; weights 10").ok
    assert visited.log[-1] == "ask set weight web_80/s2 28;set weight web_80/s1 256;"
    answer = act(visited, 'canary=yes; ask_ingress; echo "new $(ips 0)"; echo "old $(ips 1)"')
    assert [line.strip() for line in answer.lines()[-2:]] == ["new 10.0.0.3", "old *"]


def test_guests_that_are_not_found_have_no_share(engine: Engine) -> None:
    assert not act(engine, "canary=yes; weights 10").ok
    assert not [line for line in engine.log if "set weight" in line]


def test_guests_get_nothing_more_and_whoever_comes_as_everybody_does_all(visited: Engine) -> None:
    assert act(visited, "canary=yes; move").ok
    assert (
        visited.log[-1] == "ask set weight web_80/s2 0;set weight web_80/s1 100%;set weight web_80/s9 100%;"
    )


def test_an_ingress_that_does_not_answer_has_not_sent_guests_away(visited: Engine) -> None:
    visited.say(refuses="exec")
    assert not act(visited, "canary=yes; move").ok


# A service scaled by hand


def scaled(engine: Engine, wanted: int, *routes: str) -> Result:
    record = ServiceRecord("i", "id", "d", replicas=2, strategy="ingress", proxies=routes)
    config = settings(directory=str(engine.root), project="schedgen")
    release = Release(ReleaseId("r2"), "main", "a" * 40, State.DONE)
    (engine.root / ".schedgen").mkdir(exist_ok=True)
    return engine.run(scaling.command(config, release, "web", record, wanted))


def test_more_containers_get_requests_once_they_are_well(engine: Engine) -> None:
    answer = scaled(engine, 3, "web_80")
    assert (answer.ok, answer.lines()) == (True, ("more 1",)), answer
    made = engine.log.index("made 4 web")
    assert engine.log[made - 1] == "ask set weight web_80/s9 0;"
    assert engine.log[made + 1] == "ask set weight web_80/s9 100%;set weight web_80/s3 100%;"


def test_fewer_containers_are_drained_before_they_go(engine: Engine) -> None:
    answer = scaled(engine, 1, "web_80")
    assert (answer.ok, answer.lines()) == (True, ("fewer 1",)), answer
    stopped = engine.log.index("stop 3")
    orders = "set server web_80/s1 state ready;set weight web_80/s1 100%;set server web_80/s2 state drain;"
    assert engine.log[stopped - 1] == f"ask {orders}"
    assert "ask set server web_80/s2 state ready;" in engine.log[-1]
    assert "rm 3" in engine.log


def test_a_service_without_a_route_is_scaled_without_the_ingress(engine: Engine) -> None:
    assert scaled(engine, 3).lines() == ("more 1",)
    assert scaled(engine, 1).lines() == ("fewer 2",)
    assert not (engine.root / "asked").exists()
