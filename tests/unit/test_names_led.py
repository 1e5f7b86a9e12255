"""Services that others call by name: since which release, by which routes, and how containers start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_stub import PROXY, Engine
from handover_kit import services as running
from kit import minimal, settings
from planning import box
from pydantic import ValidationError

from schedgen_ops.checklist.fitting import problems
from schedgen_ops.commands.compose import Port, Service, parse_services
from schedgen_ops.deploy.images import describe
from schedgen_ops.proxy.routes import by_name, parts, routes
from schedgen_ops.release.names import plain
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.rollout import planner, spoken
from schedgen_ops.rollout.operations import text

APP = Service("app", "", "/srv/p/app", (), (), 1, "a1", aliases=(("default", "api"),))
FRONT = Service("front", "", "/srv/p/front", (), (Port(80, 8080),), 1, "f1", restarts_with=("app",))
CONFIG = minimal(rollout={"by_name": {"app": 8000}}, tiers=[{"name": "All", "services": ["app", "front"]}])


def release(name: str, known: Release | None = None, *, as_it_runs: bool = False) -> Release:
    """A release of both services, after another one."""
    boxes = (box("app", "r1", "r1"), box("front", "r1", "r1"))
    made = describe(
        CONFIG, CONFIG.hosts[0], (APP, FRONT), ReleaseId(name), known, {}, boxes, as_it_runs=as_it_runs
    )
    return Release(ReleaseId(name), "v", "c" * 40, State.DONE, services=made)


FOUND = release("r0", as_it_runs=True)
FIRST = release("r1", FOUND)
LATER = release("r2", FIRST)


def test_a_name_leads_to_the_ingress_once_the_containers_that_run_are_found_behind_it() -> None:
    assert (FOUND.services["app"].alias, FOUND.services["app"].proxies) == ("", ())
    first = FIRST.services["app"]
    assert (first.alias, first.proxies, first.strategy) == ("schedgen-blog-app", (), "start-first")
    # Even where nothing else of it changes it is made anew, since it needs that name.
    assert first.definition != FOUND.services["app"].definition
    later = LATER.services["app"]
    assert (later.alias, later.proxies, later.strategy) == ("schedgen-blog-app", ("app:8000",), "ingress")
    assert later.definition == first.definition
    assert plain(LATER) == LATER


def test_the_ingress_has_its_names_and_asks_its_containers_by_ours() -> None:
    behind = spoken.behind((APP, FRONT), LATER.services)
    named = {name: record.alias for name, record in LATER.services.items()}
    found = spoken.led(behind, CONFIG, LATER.services, named)
    by_port, called = found
    assert (by_port.proxy, called.proxy, called.found_as) == ("front_80", "app:8000", "schedgen-blog-app")
    made = PROXY.service("haproxy", "/srv/p", found, {"default": {"app", "api"}, "back": ()})
    assert made["networks"] == {"back": None, "default": {"aliases": ["api", "app"]}}
    assert [each["published"] for each in made["ports"]] == ["80"]
    config = PROXY.render(found, made)
    front = config[config.index("frontend app:8000") :]
    assert "bind :8000\n" in front
    assert "server-template s 10 schedgen-blog-app:8000" in front
    # Who passes a visitor on has named him, and nobody is turned away there.
    assert "option forwardfor if-none" in front
    assert "maintenance.map" not in front
    assert "maintenance.map" in config


def test_bytes_are_passed_on_where_the_config_says_so() -> None:
    config = CONFIG.model_copy(
        update={"rollout": CONFIG.rollout.model_copy(update={"by_name": {"app": "6379/tcp"}})}
    )
    made = describe(config, config.hosts[0], (APP,), ReleaseId("r2"), FIRST, {}, (box("app", "r1", "r1"),))
    assert (made["app"].proxies, made["app"].raw) == (("app:6379",), ("app:6379",))
    (route,) = spoken.led(spoken.behind((APP,), made), config, made)
    body = PROXY.render([route], None).partition("frontend app:6379")[2]
    assert "mode tcp" in body
    assert "forwardfor" not in body


def test_a_service_whose_name_ends_like_a_route_is_told_from_one() -> None:
    odd = Service("app_8000", "", "", (), (Port(80, 80),), 1, "o")
    (route,) = routes([odd], ())
    assert (by_name(route.proxy), parts(route.proxy)) == (False, ("app_8000", "80"))
    assert (by_name("app_8000:80"), parts("app_8000:80")) == (True, ("app_8000", "80"))


def test_who_restarts_with_it_finds_the_ingress_alone_without_being_cut_off() -> None:
    boxes = (box("app", "r1", "r1"), box("front", "r1", "r1"))
    new = replace(LATER, services={k: replace(r, image_id="other") for k, r in LATER.services.items()})
    said = text(planner.forward(["app", "front"], new, FIRST, boxes))
    assert not [line for line in said if line.startswith("let the names")]
    assert "by name at app:8000" in " ".join(text(planner.ingress(new, FIRST, boxes)))


@pytest.mark.parametrize(
    ("by_name", "rollout", "said"),
    [
        ({"app": 80, "api": 80}, {}, "app is called by name at port 80 already"),
        ({"app": 80, "api": "80/tcp"}, {}, "app is called by name at port 80 already"),
        ({"app": 80}, {"stop_first": ["app"]}, "rollout.stop_first has it"),
        ({"app": 80}, {"jobs": ["app"]}, "rollout.jobs has it"),
        ({"other": 80}, {}, "no tier names the service 'other'"),
        ({"app": 0}, {}, "greater than or equal to 1"),
        ({"app": "70000/tcp"}, {}, "PORT/tcp"),
        ({"app": "80/udp"}, {}, "PORT/tcp"),
    ],
)
def test_a_config_that_cannot_be_is_refused(
    by_name: dict[str, Any], rollout: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        minimal(
            rollout={"by_name": by_name, **rollout},
            tiers=[{"name": "All", "services": ["app", "api"]}],
        )
    assert said in str(caught.value)


def test_what_only_the_compose_file_tells_is_refused_before_anything_begins() -> None:
    chosen = settings(
        "app1",
        **{"database": None, "objects": None, "migrations": None, "checks": [], "tiers": []},
        rollout={"by_name": {"app": 8080, "cache": 6379, "gone": 1}},
    )
    port = {"target": 80, "published": "8080", "protocol": "tcp"}
    services = {
        "app": {"build": {"context": "/srv/p"}},
        "cache": {"image": "redis"},
        "web": {"build": {"context": "/srv/p"}, "ports": [port]},
    }
    wanted = parse_services({"services": services}, {})
    said = [each.text for each in problems(chosen, chosen.hosts[0], wanted)]
    assert "rollout.by_name: the new compose file has no service 'gone'" in said
    assert "rollout.by_name has app at port 8080, which web publishes" in said
    assert "rollout.by_name has cache: redis holds data" in said


# Its containers


CALLED = ServiceRecord(
    "p-app:r2", "id", "d", strategy="ingress", proxies=("app:8000",), alias="schedgen-blog-app"
)


@pytest.fixture
def engine(tmp_path: Any) -> Engine:
    made = Engine(tmp_path)
    made.has("app")
    made.has("schedgen-ingress")
    made.say(proxies="app:8000", release="r2")
    return made


def beside(engine: Engine) -> Any:
    folder = engine.state / "releases/r2"
    folder.mkdir(parents=True, exist_ok=True)
    return engine.run(
        engine.compose.start_beside(str(engine.state), str(folder), "app", CALLED, 20, proxy=PROXY)
    )


def networks(engine: Engine) -> list[str]:
    return [line.removeprefix("network ") for line in engine.log if line.startswith("network ")]


def test_new_ones_have_no_name_but_ours_and_the_old_ones_lose_theirs_once_those_serve(
    engine: Engine,
) -> None:
    answer = beside(engine)
    assert answer.ok, answer
    ours = "connect --alias schedgen-blog-app net"
    assert networks(engine) == ["disconnect net 3", f"{ours} 3", "disconnect net 1", f"{ours} 1"]
    # It was not started before it had that name alone.
    assert engine.log.index(f"network {ours} 3") < engine.log.index("start 3")
    assert running(engine) == ["app r1", "schedgen-ingress r1", "app r2"]


def test_one_that_does_not_get_well_leaves_the_names_where_they_are(engine: Engine) -> None:
    engine.say(health_app="unhealthy")
    assert not beside(engine).ok
    assert [line for line in networks(engine) if line.endswith(" 1")] == []
    assert running(engine) == ["app r1", "schedgen-ingress r1"]


def test_one_that_cannot_be_given_its_name_is_not_started(engine: Engine) -> None:
    engine.say(refuses="network")
    answer = beside(engine)
    assert not answer.ok
    assert answer.stderr.splitlines()[-1] == "could not be started under a name of ours alone"
    assert "start 3" not in engine.log
    assert running(engine) == ["app r1", "schedgen-ingress r1"]
