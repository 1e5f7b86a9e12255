"""Services without a healthcheck: what has to be seen of their new containers before the old ones go."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from engine_stub import Engine
from handover_kit import adopt, services
from kit import settings
from test_rollout_scripts import SITE, beside

from schedgen_ops.commands.compose import Port, Service, parse_services
from schedgen_ops.commands.docker import Docker
from schedgen_ops.ops import remote_commands
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.remote import Result
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.strategies.registry import STRATEGIES
from schedgen_ops.rollout.versions import Version


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A worker and a web, of which Docker knows no more than that they run."""
    made = Engine(tmp_path)
    made.has("worker")
    made.say(health_worker="none", health_web="none")
    return made


def last(answer: Result) -> str:
    return answer.stderr.splitlines()[-1]


def timed(began: float) -> float:
    return time.monotonic() - began


def listens(engine: Engine, old: str, new: str, service: str = "worker") -> None:
    """Where the old container listens and where the new one does, and after how many seconds."""
    (engine.root / f"listens-{service}-r1").write_text(f"{old}\n")
    (engine.root / f"listens-{service}-r2").write_text(f"{new}\n")


# Beside the old ones


def test_the_old_one_serves_until_the_new_one_listens_where_it_does(engine: Engine) -> None:
    listens(engine, "0 8000 9100 45001", "2 9100 8000")
    began = time.monotonic()
    answer = beside(engine)
    assert answer.ok, answer
    assert services(engine) == ["worker r1", "worker r2"]
    assert timed(began) > 1


def test_one_that_never_listens_is_given_up_and_the_old_one_serves(engine: Engine) -> None:
    listens(engine, "0 8000", "0")
    answer = beside(engine, health=1)
    assert last(answer) == "listened on no port (what it replaces: 8000) after 1s"
    assert services(engine) == ["worker r1"]
    assert "say worker | out of luck" in answer.lines()


def test_one_that_listens_nowhere_as_the_one_before_has_to_run_for_a_while(engine: Engine) -> None:
    # What its image says is that of a server.
    listens(engine, "0", "0")
    engine.say(named_worker="8000/tcp,")
    began = time.monotonic()
    assert beside(engine).ok
    assert services(engine) == ["worker r1", "worker r2"]
    assert 3.5 < timed(began) < 15


@pytest.mark.parametrize("ports", ["8080", "9100"], ids=["moved", "gone"])
def test_another_port_is_no_failure_where_the_time_is_over(engine: Engine, ports: str) -> None:
    listens(engine, "0 8000 9100", f"0 {ports}")
    assert beside(engine, health=1).ok
    assert services(engine) == ["worker r1", "worker r2"]


@pytest.mark.parametrize("network", ["host", "container:1"])
def test_on_the_network_of_another_it_has_to_run_for_a_while(engine: Engine, network: str) -> None:
    listens(engine, "0 8000", "0")
    engine.say(network_worker=network)
    assert beside(engine).ok


FALLEN = {
    "ends": ({"dies_worker": "worker r2"}, "ended with exit code 0"),
    "is started over and over": ({"again_worker": "worker r2"}, "ended, and was started again"),
}


@pytest.mark.parametrize(("behaviour", "reason"), FALLEN.values(), ids=FALLEN)
def test_one_that_ends_meanwhile_ends_the_wait_with_its_log(
    engine: Engine, behaviour: dict[str, str], reason: str
) -> None:
    listens(engine, "0 8000", "0")
    engine.say(**behaviour)
    began = time.monotonic()
    answer = beside(engine, health=60)
    assert (last(answer), services(engine)) == (reason, ["worker r1"])
    assert "say worker | out of luck" in answer.lines()
    assert timed(began) < 10


# Behind the ingress


@pytest.fixture
def gated(engine: Engine) -> Engine:
    engine.has("schedgen-ingress", "web")
    engine.say(proxies="web_80")
    return engine


def test_behind_the_ingress_it_gets_requests_once_that_sees_it(gated: Engine) -> None:
    listens(gated, "0 80", "2 80", "web")
    began = time.monotonic()
    assert beside(gated, SITE, "web").ok
    assert timed(began) > 1
    assert gated.log[-1].startswith("ask set weight web_80/s")


def test_the_one_limit_is_how_long_the_ingress_may_not_see_it(gated: Engine) -> None:
    listens(gated, "0 80", "0", "web")
    began = time.monotonic()
    answer = beside(gated, SITE, "web", health=1)
    assert last(answer) == "is not seen by the ingress on port 80 after 1s"
    assert timed(began) < 10


def test_one_that_ends_behind_the_ingress_ends_the_wait(gated: Engine) -> None:
    listens(gated, "0 80", "0", "web")
    gated.say(dies_web="web r2")
    began = time.monotonic()
    answer = beside(gated, SITE, "web", health=60)
    assert last(answer) == "ended with exit code 0"
    assert "say web | out of luck" in answer.lines()
    assert timed(began) < 10


def test_the_ports_change_hands_once_who_comes_without_them_listens(engine: Engine) -> None:
    engine.has("web")
    (engine.root / "listens-web").write_text("2 80\n")
    began = time.monotonic()
    answer = adopt(engine)
    assert answer.ok, answer
    assert timed(began) > 1
    assert [each for each in services(engine) if "web" in each] == ["web r1-adopted"]


def test_who_ends_without_the_ports_has_said_why_and_they_stay_where_they_are(engine: Engine) -> None:
    engine.has("web")
    (engine.root / "listens-web").write_text("60 80\n")
    engine.say(dies_web="web r1-adopted")
    before = engine.containers
    answer = adopt(engine)
    assert answer.stderr.splitlines()[-2:] == ["out of luck", "ended with exit code 0"]
    assert (engine.containers, "stop 2" in engine.log) == (before, False)


# In their place, and started anew


def up(engine: Engine, *asked: int, wait: int = 20) -> Result:
    engine.say(release="r2")
    return engine.run(engine.compose.up("/r", "worker", wait, ports=asked))


def test_one_in_the_place_of_another_is_waited_for_until_it_listens(engine: Engine) -> None:
    listens(engine, "0 8000", "2 8000")
    began = time.monotonic()
    assert up(engine).ok
    assert timed(began) > 1


def test_what_listens_in_a_network_that_another_uses_may_be_that_others(engine: Engine) -> None:
    engine.has("client")
    engine.say(network_client="container:1")
    listens(engine, "0 8000", "0")
    began = time.monotonic()
    assert up(engine, wait=20).ok
    assert timed(began) < 15


def test_the_first_one_is_waited_for_at_a_port_that_it_names(engine: Engine) -> None:
    (engine.root / "containers/1").write_text("worker exited none r1\n")
    listens(engine, "0", "2 8000")
    engine.say(named_worker="8000/tcp,53/udp,")
    began = time.monotonic()
    assert up(engine).ok
    assert 1 < timed(began) < 15


def test_on_the_network_of_the_host_the_ports_of_its_checks_are_its(engine: Engine) -> None:
    listens(engine, "0 22 8000", "0 22")
    engine.say(network_worker="host")
    answer = up(engine, 8000, wait=1)
    assert last(answer) == "listened on no port (what it replaces: 8000) after 1s"


def test_the_checks_that_name_a_service_tell_its_ports() -> None:
    urls = {"one": "http://localhost:8000/health", "two": "https://localhost/"}
    checks = [{"name": name, "url": url, "service": "redis"} for name, url in urls.items()]
    chosen = settings(checks=[*checks, {"name": "other", "url": "http://localhost:9"}])
    new = Version("redis", ReleaseId("r2"), ServiceRecord("i", "id", "d"))
    command = STRATEGIES[-1].command(Project(compose_of(chosen), chosen), new, 100)
    assert dict(command.values)["asked"] == ("443", "8000")


def test_a_restart_ends_once_the_container_listens_again(engine: Engine) -> None:
    (engine.root / "containers/1").write_text("worker running none r1\n")
    listens(engine, "2 8000", "0")
    began = time.monotonic()
    assert engine.run(remote_commands.restart(Docker(), ["1"], 20)).ok
    assert timed(began) > 1


# What the plan says of it

WEB = {"build": {"context": "/srv/p"}, "image": "web"}
PORT = {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}


def read(**body: Any) -> Service:
    return parse_services({"services": {"web": {**WEB, **body}}}, {})[0]


@pytest.mark.parametrize(
    ("healthcheck", "expected"),
    [
        (None, None),
        ({"test": ["CMD", "true"]}, True),
        ({"test": ["NONE"]}, False),
        ({"disable": True}, False),
        ({"interval": "5s"}, None),
    ],
)
def test_what_a_file_says_of_a_healthcheck_is_read(healthcheck: Any, expected: bool | None) -> None:
    assert read(healthcheck=healthcheck).checked is expected


def test_the_ports_that_a_file_names_are_read() -> None:
    found = read(expose=["8000", "9000-9002/tcp", "53/udp"], ports=[PORT])
    assert found.exposed == (8000, 9000, 9001, 9002)
    assert found.ports == (Port(8080, 80),)
    assert found.listens == (80, 8000, 9000, 9001, 9002)


NO_CHECK = "no healthcheck: the old one serves until"
TOLD = {
    "ingress": f"ingress, {NO_CHECK} the ingress sees it answer",
    "start-first": f"start-first, {NO_CHECK} port 8000 answers",
    "stop-first": "stop-first, away until port 8000 answers",
}


@pytest.mark.parametrize(("name", "text"), TOLD.items())
def test_without_a_healthcheck_nobody_is_told_of_no_gap(name: str, text: str) -> None:
    (how,) = (each for each in STRATEGIES if each.name == name)
    record = ServiceRecord("i", "id", "d")
    assert how.told(read(expose=["8000"]), record) == text
    nothing_known = how.told(read(), record)
    assert "no gap" not in nothing_known
    assert name == "ingress" or nothing_known.endswith("a few seconds of running is all that is seen")
    checked = how.told(read(healthcheck={"test": ["CMD", "true"]}), record)
    assert checked == f"{name}, {'no gap' if how.beside else 'away until its container is healthy'}"
