"""An application whose config names no tiers: one step for all of it, and what holds state stays as it is."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import simulated_answers
from deploying import FIRST, OWNER, SECOND, Outcome, untruths
from fakes import FakeClock, context
from kit import DIRECTORY, minimal, recorded
from simulated import SimHost
from simulated_world import NEW, fresh

from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.docker import Container, parse_containers
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.forecast import forecast
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError
from schedgen_ops.events import Event, Message, StepStarted
from schedgen_ops.fleet import Fleet
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollback.run import rollback
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import Check, Settings
from schedgen_ops.verify import serving
from schedgen_ops.watch import rules

PLAIN = minimal(project="schedgen", directory=DIRECTORY)
CHECKED = PLAIN.model_copy(update={"checks": (Check(name="web", url="http://localhost:3000/"),)})
HOST = PLAIN.host("app1")


def outcome(run: Pipeline, seen: list[Event]) -> Outcome:
    try:
        release = run()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def deploy(host: SimHost, branch: str = "v1.2.3", run: str = FIRST, settings: Settings = CHECKED) -> Outcome:
    seen: list[Event] = []
    session = Session(settings, Fleet((host,)), Ref(branch), run, FakeClock(), seen.append, OWNER)
    return outcome(assemble(session), seen)


@pytest.fixture
def stateful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis, which a release redefines, keeps its data in a volume."""
    document = simulated_answers._document()
    volume = {"type": "volume", "source": "data", "target": "/data"}
    document["services"]["redis"]["volumes"] = [volume]  # type: ignore[index]
    monkeypatch.setattr(simulated_answers, "_document", lambda: document)


def test_all_services_are_one_step_in_the_order_of_their_needs(stateful: None) -> None:
    host = SimHost()
    done = deploy(host)
    assert done.code == 0, done.error
    assert untruths(host, fresh(), done, "", FIRST, NEW) == []
    assert [(event.number, event.title) for event in done.events if isinstance(event, StepStarted)] == [
        ("", "Pre-flight Checks"),
        ("1", "Pulling latest code"),
        ("2", "Building containers"),
        ("", "Ingress"),
        ("4", "Rolling update"),
        ("5", "Post-deployment verification"),
        ("6", "Cleaning up old images"),
    ]
    told = [event.text for event in done.events if isinstance(event, Message)]
    replaced = [text.split()[1] for text in told if "updated successfully" in text and "Service" in text]
    assert sorted(replaced) == ["backend", "frontend", "prometheus"]
    assert replaced.index("backend") < replaced.index("frontend")


def test_a_deploy_needs_nothing_to_be_configured() -> None:
    host = SimHost()
    done = deploy(host, settings=PLAIN)
    assert done.code == 0
    assert [text for text in host.asked if text.startswith("GET ")] == []
    told = [event.text for event in done.events if isinstance(event, Message)]
    assert [text for text in told if re.search("(?i)backup|migration|measured|counted", text)] == []


def test_one_that_fails_takes_all_of_them_back(stateful: None) -> None:
    host = SimHost(world=replace(fresh(), sick=("frontend",)))
    done = deploy(host)
    assert done.code == 4
    assert untruths(host, fresh(), done, f"{FIRST}-{'a' * 7}-adopted", FIRST, NEW) == []


@pytest.mark.parametrize("same", [True, False])
def test_a_rollback_goes_back_with_all_of_them_and_tells_of_the_store_that_stays(
    stateful: None, same: bool
) -> None:
    host = SimHost()
    assert deploy(host).code == deploy(host, "v1.2.4", SECOND).code == 0
    redis = host.world.boxes["redis"]
    to = f"{FIRST}-{NEW[:7]}"
    record = json.loads(host.world.files[f"{DIRECTORY}/.schedgen/releases/{to}/release.json"])
    defined = record["services"]["redis"]
    definition = defined["definition"] if same else "other"
    as_found = replace(redis, image=defined["image_id"], release=to, definition=definition)
    host.world.boxes["redis"] = as_found
    seen: list[Event] = []
    session = Session(PLAIN, Fleet((host,)), Ref("v1"), "20250115_140000", FakeClock(), seen.append, OWNER)
    assert outcome(rollback(session, ReleaseId(to)), seen).code == 0
    assert host.world.boxes["backend"].image == f"sha256:backend-{NEW[0]}"
    assert host.world.boxes["redis"] == as_found
    told = {event.level: event.text for event in seen if isinstance(event, Message) and "redis" in event.text}
    why = "it holds state, and no tier names it"
    assert told == (
        {"info": f"Service redis left as it is: {why}"}
        if same
        else {"warn": f"redis stays, and is not as {to} had it: its definition changed; {why}"}
    )


def test_the_plan_shows_all_of_them_and_says_why_one_is_left_alone() -> None:
    web = service("web", build={"context": f"{DIRECTORY}/web"})
    wanted = (service("db", **VOLUME), web)
    first = forecast(PLAIN, HOST, wanted, (), None, NEW, ["web/a"])
    assert {row[0]: row[1] for row in first.rows} == {"db": "start", "web": "start"}
    found = forecast(PLAIN, HOST, wanted, (box("cache"),), None, NEW, ["web/a"])
    assert found.rows == (
        ("db", "keep", "holds state, and no tier names it", ""),
        ("web", "start", "not there yet", ""),
    )
    assert not [line for _, line in found.lines() if "db" in line.split()]


# What is replaced


def service(name: str, **body: object) -> Service:
    (made,) = parse_services({"services": {name: {"image": "x", **body}}}, {name: "h"})
    return made


VOLUME = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}
BIND = {"volumes": [{"type": "bind", "source": "/etc/x", "target": "/x"}]}


def test_what_is_gone_does_not_serve_though_nothing_names_it() -> None:
    host = SimHost()
    assert deploy(host).code == 0
    known = frozenset(host.world.boxes)
    assert serving.wrong(context(host, CHECKED), known) == ()
    del host.world.boxes["pdf-worker"]
    (found,) = serving.wrong(context(host, CHECKED), known)
    assert (found.check, found.text) == ("service pdf-worker", "has no container")


def test_stores_are_left_alone_and_what_is_built_here_is_none() -> None:
    found = [
        service("db", **VOLUME),
        service("proxy", **BIND),
        service("blog", build={"context": "/srv/blog"}, **VOLUME),
        service("cache", **VOLUME),
        service("own", build={"context": "/srv/own"}),
    ]
    database = {"service": "own", "user": "u", "name": "n"}
    settings = minimal(database=database, rollout={"stop_first": ["cache"]})
    hows = registry.chosen(found, settings)
    assert [name for name, how in hows.items() if how.name == "left alone"] == ["db", "own"]
    assert hows["cache"].name == "stop-first"


def test_a_host_gets_what_it_is_said_to_run() -> None:
    hosts = [{"name": "a", "address": "a", "services": ["web"]}, {"name": "b", "address": "b"}]
    settings = minimal(hosts=hosts)
    found = [service("web"), service("api")]
    assert [one.name for one in scope.on(found, settings, settings.host("a"))] == ["web"]
    assert [one.name for one in scope.on(found, settings, settings.host("b"))] == ["web", "api"]


def box(service: str, status: str = "running", code: int = 0) -> Container:
    (one,) = parse_containers(recorded("containers.jsonl").splitlines()[0])
    return replace(one, name=service, service=service, status=status, health="", exit_code=code)


def test_what_has_a_container_is_verified_and_a_job_that_ended_well_is_not() -> None:
    found = rules.containers([box("web"), box("job", "exited"), box("api", "exited", 1)], PLAIN, HOST)
    assert [(each.check, str(each.verdict)) for each in found] == [
        ("service web", "passed"),
        ("service api", "failed"),
    ]
    (none,) = rules.containers([], PLAIN, HOST)
    assert (none.check, str(none.verdict)) == ("services", "failed")
