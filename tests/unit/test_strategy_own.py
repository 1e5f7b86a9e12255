"""A strategy that is added by its own class and a line in the registry, as CONTRIBUTING.md tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import FakeHost, result
from kit import minimal, settings
from planning import ORDER, box, lines, release, running

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.commands.docker import Docker
from schedgen_ops.deploy.forecast import forecast
from schedgen_ops.deploy.images import describe
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, from_json, to_json
from schedgen_ops.rollout import planner, run
from schedgen_ops.rollout.operations import Bring
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.strategies.contract import Strategy
from schedgen_ops.rollout.versions import Version, version, versions
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, sh


class OneByOne(Strategy):
    """Of several containers one is replaced after the other: no room is needed for twice as many."""

    name = "one-by-one"

    def suits(self, service: Service, settings: Settings) -> bool:
        return service.built and service.replicas > 1 and not service.ports

    def text(self, new: Version, share: int) -> str:
        return f"replace the {new.record.replicas} containers of {new} one by one"

    def command(self, project: Project, new: Version, share: int) -> Command:
        folder = project.paths.release(new.release_id)
        return sh("one-by-one", "--wait", str(project.wait), folder, new.service)

    def told(self, service: Service, record: ServiceRecord) -> str:
        return f"{self.name}, {record.replicas - 1} of {record.replicas} serve"


SETTINGS = settings(health={"deadline": 40, "settle": 0})
BLOG = minimal()
COMPOSE = ComposeOrchestrator(Docker(), "schedgen", "/srv/schedgen")
WORKER = Service("worker", "", "/srv/p/worker", (), (), 3, "same")
WHY = ServiceChange("worker", Action.REPLACE, "its image changed")
OLD = release("r1", replicas={"worker": 3})


def slowly(of: Release) -> Release:
    """A release whose worker is replaced one by one."""
    return replace(
        of, services={**of.services, "worker": replace(of.services["worker"], strategy="one-by-one")}
    )


NEW = slowly(release("r2", replicas={"worker": 3}))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "STRATEGIES", (OneByOne(), *registry.STRATEGIES))


def test_it_is_chosen_by_its_own_rule_and_the_config_still_has_the_last_word() -> None:
    found = [
        WORKER,
        replace(WORKER, name="mailer", replicas=1),
        replace(WORKER, name="web", ports=(Port(80, 80),)),
    ]
    hows = registry.chosen(found, SETTINGS)
    assert [how.name for how in hows.values()] == ["one-by-one", "start-first", "ingress"]
    asked = minimal(rollout={"stop_first": ["worker"]})
    assert registry.chosen([WORKER], asked)["worker"].name == "stop-first"


def test_it_is_in_the_record_of_a_release_and_is_read_there() -> None:
    services = describe(BLOG, BLOG.host("app1"), [WORKER], ReleaseId("r2"), None, {})
    kept = from_json(to_json(replace(NEW, services=services)))
    assert (kept.services["worker"].strategy, kept.services["worker"].proxies) == ("one-by-one", ())
    assert isinstance(registry.of(kept.services["worker"]), OneByOne)


def test_a_plan_brings_a_service_with_it_and_takes_it_back_by_the_strategy_of_before() -> None:
    told = lines(planner.forward(ORDER, NEW, OLD, running(OLD)))
    assert "& replace the 3 containers of worker of r2 one by one: its image changed" in told
    (worker,) = versions(NEW, ["worker"])
    assert (
        lines((Bring(worker, version(OLD, "worker"), WHY).inverse(),))
        == "let what worker of r2 was to replace serve again"
    )
    # None of them stands by: then they are started.
    legs = planner.homeward(OLD, [NEW], ORDER, touched=True)
    told = "\n".join(lines(leg(running(NEW))) for leg in legs)
    assert "start worker of r1 beside what runs, 3 containers: its image changed" in told


def test_the_way_back_to_a_release_that_has_it_brings_it_again() -> None:
    before, after = slowly(OLD), release("r2", replicas={"worker": 3})
    legs = planner.homeward(before, [after], ORDER, touched=True)
    told = "\n".join(lines(leg(running(after))) for leg in legs)
    assert "replace the 3 containers of worker of r1 one by one" in told
    unattended = lines(planner.unattended(after, before, ["worker"], GoBack("a" * 40)))
    assert "replace the 3 containers of worker of r1 one by one: put back; then retire" in unattended


def test_its_own_command_is_what_is_sent() -> None:
    host = FakeHost(answers={lambda command: "one-by-one" in command.text: result(seconds=7)})
    (worker,) = versions(NEW, ["worker"])
    done = run.start(host, OperationRenderer(COMPOSE, SETTINGS), Bring(worker, None, WHY), lambda line: None)
    assert done == 7
    assert str(host.commands[0]) == "one-by-one --wait 40 /srv/schedgen/.schedgen/releases/r2 worker"


def test_deploy_plan_tells_of_it() -> None:
    serving = replace(OLD, services={"worker": replace(OLD.services["worker"], written="same")})
    boxes = tuple(box("worker", "r1", "r1", number) for number in range(3))
    service = replace(WORKER, context=f"{BLOG.directory}/worker")
    found = forecast(BLOG, BLOG.host("app1"), [service], boxes, serving, "b" * 40, ["worker/main.py"])
    assert found.rows == (
        ("worker", "replace", "its image is built from worker/main.py", "one-by-one, 2 of 3 serve"),
    )


@pytest.mark.parametrize("strategy", ["", "of a newer version"])
def test_a_name_that_is_not_known_never_has_two_of_a_service(strategy: str) -> None:
    assert not registry.of(replace(OLD.services["worker"], strategy=strategy)).beside
