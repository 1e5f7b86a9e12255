"""Services that end: what they are, where they come in a deploy, and that nobody waits for them to run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeHost, result
from kit import minimal
from planning import ORDER, box, lines, release, running

from schedgen_ops.checklist import fitting
from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.docker import Container, Docker, parse_containers
from schedgen_ops.deploy.forecast import forecast
from schedgen_ops.deploy.images import describe
from schedgen_ops.errors import OpsError
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord
from schedgen_ops.rollout import planner, run, scope
from schedgen_ops.rollout.operations import Bring
from schedgen_ops.rollout.plan import Action, ServiceChange, overlay
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.versions import versions
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.settings import Settings

ENDED = {"condition": "service_completed_successfully"}
FILE = {
    "services": {
        "init": {"build": {"context": "/srv/p/web"}, "restart": "no"},
        "seed": {"build": {"context": "/srv/p/web"}, "restart": "no"},
        "db": {"image": "postgres"},
        "web": {
            "build": {"context": "/srv/p/web"},
            "ports": [{"target": 80, "published": "80", "protocol": "tcp"}],
            "depends_on": {"init": ENDED, "db": {"condition": "service_healthy"}},
        },
    }
}
MIGRATIONS = {"service": "init", "path": "m", "run": ["./migrate"], "show": ["s"], "revert": ["r"]} | {
    "applied": "a",
    "pending": "p",
}


def services(document: dict[str, Any] = FILE) -> tuple[Service, ...]:
    return parse_services(document, {})


def tiers(*names: str, **more: Any) -> Settings:
    return minimal(tiers=[{"name": name, "services": [name]} for name in names], **more)


def described(settings: Settings, found: tuple[Service, ...] | None = None) -> dict[str, ServiceRecord]:
    return describe(settings, settings.hosts[0], found or services(), ReleaseId("r2"), None, {})


# What is one


def test_what_another_one_waits_for_until_it_has_ended_is_a_job() -> None:
    found = {each.name: each.ends for each in services()}
    assert found == {"db": False, "init": True, "seed": False, "web": False}
    assert {name: how.name for name, how in registry.chosen(services(), minimal()).items()} == {
        "init": "job",
        "seed": "start-first",
        "db": "stop-first",
        "web": "ingress",
    }


def test_the_config_says_it_of_others_and_has_the_last_word() -> None:
    how = registry.chosen(services(), minimal(rollout={"jobs": ["seed"], "start_first": ["init"]}))
    assert (how["seed"].name, how["init"].name) == ("job", "start-first")


def ended(service: str, of: str = "", **facts: Any) -> Container:
    return replace(box(service, of, "i", status="exited", health=""), **facts)


def test_of_others_the_way_that_they_stand_tells_it_unless_we_started_them_as_something_else() -> None:
    def jobs(*boxes: Container, known: dict[str, ServiceRecord] | None = None) -> set[str]:
        return {each.name for each in scope.seen_to_end(services(), boxes, known or {}) if each.ends}

    assert jobs(ended("seed")) == {"init", "seed"}
    assert jobs(ended("seed", exit_code=1)) == {"init"}
    assert jobs(box("seed", "", "i")) == {"init"}
    # It ran, and somebody stopped it.
    assert jobs(ended("seed", "r1")) == {"init"}
    assert jobs(ended("seed", "r1", job=True)) == {"init", "seed"}
    assert jobs(known={"seed": ServiceRecord("i", "id", "d", strategy="job")}) == {"init", "seed"}
    # Who is started again, published or looked at is there to stay.
    assert jobs(ended("web"), ended("db")) == {"init"}
    own = {"build": {"context": "/srv/p/web"}, "command": ["x"]}
    assert services({"services": {"a": own}})[0].may_end
    assert not services({"services": {"redis": {"image": "redis"}}})[0].may_end
    for more in ({"restart": "always"}, {"healthcheck": {"test": ["CMD", "x"]}}, {"expose": ["80"]}):
        assert not services({"services": {"a": {**own, **more}}})[0].may_end


def row(number: int, labels: dict[str, str], code: int) -> str:
    """A container that has ended, as a host tells of it; its image has a health check."""
    told = {
        "id": f"i{number}",
        "name": f"/n{number}",
        "labels": labels,
        "status": "exited",
        "exit_code": code,
    }
    rest = {"image": "", "image_name": "", "health": "unhealthy", "started": "", "restarts": 0, "oom": False}
    return json.dumps(told | rest)


def listed(*labels: dict[str, str], code: int = 0) -> tuple[Container, ...]:
    return parse_containers(listing(*labels, code=code))


def listing(*labels: dict[str, str], code: int = 0) -> str:
    return "\n".join(row(number, each, code) for number, each in enumerate(labels))


NAME, WAITS = "com.docker.compose.service", "com.docker.compose.depends_on"


@pytest.mark.parametrize(
    ("labels", "code", "good"),
    [
        (({NAME: "init", "schedgen.jobs": "init:service_completed_successfully"},), 0, True),
        (({NAME: "init", "schedgen.jobs": "init:service_completed_successfully"},), 3, False),
        (({NAME: "init"}, {NAME: "web", WAITS: "init:service_completed_successfully:false"}), 0, True),
        (({NAME: "init"}, {NAME: "web", WAITS: "init:service_started:false,db"}), 0, False),
        # By now it is no job any more, and whoever waited for it was left as it was.
        (
            (
                {NAME: "init", "schedgen.release": "r2"},
                {NAME: "web", WAITS: "init:service_completed_successfully:false"},
            ),
            0,
            False,
        ),
    ],
)
def test_a_container_of_a_job_is_good_once_it_has_ended_well(
    labels: tuple[dict[str, str], ...], code: int, good: bool
) -> None:
    assert next(each for each in listed(*labels, code=code) if each.service == "init").good is good


def test_our_definition_says_who_is_one_and_who_waits_for_one() -> None:
    body = json.loads(overlay(described(minimal()), ReleaseId("r2")))["services"]
    labels = {name: each["labels"].get("schedgen.jobs") for name, each in body.items()}
    told = "init:service_completed_successfully"
    assert labels == {"init": told, "web": told, "db": None, "seed": None}


def test_compose_is_told_of_those_that_it_knows_nothing_of() -> None:
    web = replace(services()[3], needs=("db", "seed"))
    settings = minimal(rollout={"jobs": ["seed"]})

    def needs(of: Service) -> Any:
        text = overlay(described(settings, (of, *services()[:3])), ReleaseId("r2"), None, [of])
        return json.loads(text.replace("!override ", ""))["services"]["web"]["depends_on"]

    assert needs(web) == {"seed": ENDED}
    # Where its needs are said anew as a whole, since one is not there.
    written = {
        "db": {"condition": "service_started"},
        "seed": {"condition": "service_started", "required": True},
    }
    told = needs(replace(web, needs_text=json.dumps(written)))
    assert told == {"db": written["db"], "seed": {**ENDED, "required": True}}


# Where it comes


def test_a_job_comes_before_what_needs_it_in_whatever_tier_or_in_none() -> None:
    assert dict(scope.parts(tiers("db", "web"), described(tiers("db", "web")))) == {
        "db": ["db"],
        "web": ["init", "web"],
    }
    late = tiers("web", "db", "init")
    assert [names for _, names in scope.parts(late, described(late))] == [["init", "web"], ["db"], []]
    assert "seed" not in described(tiers("db", "web", rollout={"jobs": ["seed"]}))


def test_a_job_in_no_tier_is_on_the_hosts_that_have_it_or_else_on_those_that_need_it() -> None:
    hosts = [{"name": name, "address": name} for name in ("app1", "app2")]
    for second, here in ((["db"], True), (["db", "init"], False)):
        named = [{**hosts[0], "services": ["web"]}, {**hosts[1], "services": second}]
        settings = tiers("web", "db", hosts=named, rollout={"jobs": ["init"]})
        found = scope.on(services(), settings, settings.hosts[0])
        assert ("init" in {each.name for each in found}) is here


def test_a_job_that_the_migrations_run_is_not_run_once_more() -> None:
    for settings in (tiers("web", migrations=MIGRATIONS), minimal(migrations=MIGRATIONS)):
        records = described(settings)
        assert scope.migrating(settings, records) == "init"
        assert "init" not in scope.order(settings, records)
        assert "init" not in scope.rest(settings, settings.hosts[0], records)


def test_what_the_config_leaves_out_is_told_but_not_the_jobs_that_it_brings() -> None:
    settings = tiers("web", "db")
    told = [each.text for each in fitting.problems(settings, settings.hosts[0], services())]
    assert told == ["in no tier, so that no deploy starts or replaces it: seed"]


def test_deploy_plan_tells_of_it() -> None:
    settings = tiers("db", "web")
    boxes = (box("db", "", "i"), box("web", "", "i"))
    found = forecast(settings, settings.hosts[0], services(), boxes, None, "b" * 40, ["web/a"])
    assert ("init", "run", "a job, which every release runs", "job") in found.rows
    own = minimal(migrations=MIGRATIONS)
    found = forecast(own, own.hosts[0], services(), boxes, None, "b" * 40, ["web/a"])
    assert ("init", "run", "the migrations run it", "job") in found.rows


def test_where_nothing_runs_yet_it_comes_before_the_ingress_which_starts_what_is_behind_it() -> None:
    settings = tiers("db", "web")
    found = forecast(settings, settings.hosts[0], services(), (), None, "b" * 40, ["web/a"])
    assert [(step, line.partition(":")[0]) for step, line in found.lines()] == [
        ("Code", "check out bbbbbbbbbbbb"),
        ("Jobs", "run init of bbbbbbb to its end"),
        ("Ingress", "set the ingress for web of bbbbbbb; no HTTP seen, passed on as it comes"),
        ("db", "recreate db of bbbbbbb"),
        ("web", "start web of bbbbbbb beside what runs"),
        ("Verification", "name bbbbbbb as what serves"),
        ("Cleaning", "retire what web of bbbbbbb replaced"),
    ]


# Its way


def with_job(of: Release, strategy: str = "job") -> Release:
    job = ServiceRecord(f"p-init:{of.id}", of.id, "same", strategy=strategy)
    api = replace(of.services["api"], needs=("db", "init"))
    return replace(of, services={**of.services, "api": api, "init": job})


OLD, NEW = with_job(release("r1")), with_job(release("r2", ["api"]))
NAMES = (*ORDER, "init")
RAN = replace(box("init", "r2", "r2"), status="exited", health="", job=True)


def test_it_runs_at_every_release_and_before_what_needs_it() -> None:
    old = (*running(OLD, "db", "api", "web", "worker"), replace(RAN, release="r1", image="r1"))
    plan = lines(planner.forward(NAMES, with_job(release("r3")), OLD, old)).splitlines()
    assert plan[0] == "run init of r3 to its end: a job, which every release runs"
    again = lines(planner.forward(["init"], replace(OLD, id=ReleaseId("r3")), OLD, old))
    assert again == "run init of r3 to its end: a job, which every release runs"
    # Where it ran already for this one, as before the migrations, it is not run twice.
    assert lines(planner.forward(["init"], NEW, OLD, (*old, RAN))) != "leave init as it is"
    assert lines(planner.forward(["init"], NEW, OLD, (RAN,))) == "leave init as it is"


def test_no_way_back_runs_it_again() -> None:
    found = (*running(NEW, "db", "web", "worker"), *running(OLD, "api"), RAN)
    for touched in (True, False):
        way = [lines(leg(found)) for leg in planner.homeward(OLD, [NEW], NAMES, touched=touched)]
        assert not any("run init" in text for text in way)
        assert way[-1].endswith("remove init of r2, a job")
    unattended = lines(planner.unattended(NEW, OLD, ["init", "api"], GoBack("a" * 40)))
    assert "run init" not in unattended
    assert "remove init of r2, a job" in unattended


def test_what_became_a_job_comes_back_as_the_service_that_it_was() -> None:
    old = with_job(release("r1"), "start-first")
    way = "\n".join(lines(leg((RAN,))) for leg in planner.homeward(old, [NEW], ["init"], touched=True))
    assert "start init of r1 beside what runs" in way


def brought(answer: Any) -> tuple[FakeHost, list[str], OpsError | None]:
    host, said = FakeHost(answers={lambda command: True: answer}), list[str]()
    (job,) = versions(NEW, ["init"])
    commands = OperationRenderer(ComposeOrchestrator(Docker(), "p", "/srv/p"), minimal())
    change = ServiceChange("init", Action.RUN)
    try:
        run.start(host, commands, Bring(job, None, change), said.append)
    except OpsError as error:
        return host, said, error
    return host, said, None


def test_one_that_fails_is_told_with_what_it_wrote() -> None:
    _, said, error = brought(
        result("say init | connecting\nsay init | Error: no table", stderr="ended with exit code 3", code=3)
    )
    assert error is not None
    assert error.message.startswith("Job init failed after")
    assert error.detail.startswith("ended with exit code 3")
    assert "Error: no table" in error.detail
    assert said == ["init | connecting", "init | Error: no table"]
