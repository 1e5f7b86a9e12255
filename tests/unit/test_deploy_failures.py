"""A deploy that fails: what is told, what serves, and what is taken back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from deploying import (
    ADOPTED,
    ANSWER_LOST,
    ERROR,
    FIRST,
    GARBAGE,
    INTERRUPTED,
    NEVER_ARRIVES,
    OWNER,
    RELEASE,
    SECOND,
    deploy,
    failing,
    messages,
    place,
)
from fakes import FakeClock
from kit import settings
from simulated import Fault, SimHost
from simulated_world import NEW, NEXT, OLD, fresh, image_id

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import RolledBack
from schedgen_ops.events import Event, Message, Output
from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

FAILURES = {
    "^back up": "Pre-deployment backup",
    "git fetch": "Pulling latest code",
    "^resolve": "Pulling latest code",
    "docker compose build": "Building containers",
    "docker compose run": "Running database migrations",
    "docker compose up redis": "Rolling update - Infrastructure services",
    "replace frontend$": "Rolling update - Application services",
    "docker compose up prometheus": "Rolling update - Monitoring services",
    "wait for the containers": "Post-deployment verification",
}


def test_a_branch_that_is_not_there_is_refused_before_anything_begins() -> None:
    host = SimHost()
    outcome = deploy(host, branch="v1.2.33")
    assert (outcome.code, outcome.failed_step) == (3, "Pre-flight Checks")
    assert outcome.error is not None
    assert "origin has no branch, tag or commit 'v1.2.33'" in outcome.error.detail
    assert (host.world.changed, host.holds) == ([], [])


@pytest.mark.parametrize("fault", [ERROR, ANSWER_LOST, INTERRUPTED], ids=["error", "lost", "interrupted"])
@pytest.mark.parametrize(("pattern", "step"), FAILURES.items())
def test_a_failed_step_is_named_and_the_old_release_serves(pattern: str, step: str, fault: Fault) -> None:
    host, outcome = failing(pattern, fault)
    assert outcome.code == 4
    assert outcome.failed_step == step
    assert outcome.error is not None
    assert outcome.error.step == step
    assert outcome.error.host == ("" if fault is INTERRUPTED else "app1")
    assert host.world.serving == fresh().serving
    assert host.world.records().get(RELEASE, "FAILED") == "FAILED"
    assert all(hold.closed for hold in host.holds)


def test_the_record_has_the_lines_that_told_why_it_failed() -> None:
    host, outcome = failing("docker compose run", ERROR)
    assert outcome.error is not None
    assert outcome.error.detail
    told = json.loads(host.world.files[f"/srv/schedgen/.schedgen/releases/{RELEASE}/release.json"])["error"]
    assert told == "\n".join((outcome.error.message, *outcome.error.detail.splitlines()[:8]))


def test_what_was_replaced_goes_back_in_reverse_order() -> None:
    host = SimHost(world=replace(fresh(), sick=("prometheus",)))
    assert deploy(host).code == 4
    replaced = [name for name in host.world.changed if name.startswith(("up ", "back "))]
    assert replaced[4] == "up prometheus"
    assert set(replaced[5:7]) == {"back frontend", "back backend"}
    assert replaced[7:] == ["up redis"]


def test_a_service_that_is_never_healthy_is_named_with_the_end_of_its_log() -> None:
    host = SimHost(world=replace(fresh(), sick=("backend",)))
    outcome = deploy(host)
    assert outcome.code == 4
    assert outcome.error is not None
    assert outcome.error.message.startswith("Service backend failed health check")
    assert "Error: no database" in outcome.error.detail
    assert f"The old release serves: {ADOPTED}" in messages(outcome)
    assert [event for event in outcome.events if event == Output("backend | Error: no database", "app1")]


def test_the_engine_has_the_last_word_on_what_passed_its_healthcheck_at_once() -> None:
    host = SimHost(world=replace(fresh(), early=("backend", "frontend")))
    assert deploy(host).code == 0
    asked = [str(command) for command in host.asked]
    begun = [
        each for each in asked if each.startswith(("replace ", "wait until all is well", "docker compose up"))
    ]
    assert begun.count("wait until all is well") == 2
    # Both are awaited together, before the next step.
    at = begun.index("wait until all is well")
    assert begun[at - 1] == "replace frontend"
    host = SimHost(world=replace(fresh(), early=("backend",), sick=("backend",)))
    outcome = deploy(host)
    assert (outcome.code, outcome.failed_step) == (4, "Rolling update - Application services")
    assert outcome.error is not None
    assert "Service backend failed health check" in str(outcome.error)
    assert host.world.serving == fresh().serving


def test_a_service_that_crashes_after_a_while_is_named() -> None:
    host = SimHost(world=replace(fresh(), dies="schedgen-backend-1 1"))
    outcome = deploy(host)
    assert outcome.code == 4
    assert "schedgen-backend-1 was healthy and then ended with exit code 1" in str(outcome.error)
    assert host.world.serving == fresh().serving


def test_a_site_that_answers_with_errors_is_not_put_into_service() -> None:
    host = SimHost(world=replace(fresh(), status="500"))
    outcome = deploy(host)
    # Everything was taken back, and answers no better: nobody may say that it serves.
    assert outcome.code == 5
    assert "everything was taken back, but" in str(outcome.error)
    assert outcome.error is not None
    assert "backend http://localhost:3001/health: answered 500" in outcome.error.detail
    assert host.world.current == ADOPTED


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_a_site_that_needs_what_was_replaced_is_not_put_into_service(service: str) -> None:
    """As where a front looked the address of another service up once, when it started."""
    host = SimHost(world=replace(fresh(), pinned=service))
    outcome = deploy(host)
    assert (outcome.code, outcome.failed_step) == (4, "Post-deployment verification")
    assert outcome.error is not None
    assert "once the containers that were replaced were out of reach" in outcome.error.message
    assert "backend http://localhost:3001/health: answered 502" in outcome.error.detail
    assert "asks backend, frontend at an address" in outcome.error.hint
    assert "`depends_on: {SERVICE: {condition: service_healthy, restart: true}}`" in outcome.error.hint
    assert host.world.serving == fresh().serving
    assert (host.world.current, host.world.cut, host.world.standby) == (ADOPTED, {}, {})
    # It was reached again before anything else was taken back, and never ended.
    changed = host.world.changed
    assert changed.index(f"join {service}") < changed.index(f"back {service}")


def test_one_slow_or_lost_answer_is_no_verdict() -> None:
    host, outcome = failing("GET http://localhost:3001/health$")
    assert outcome.code == 0
    assert host.world.current == RELEASE


def test_a_failure_to_take_back_needs_a_human_and_the_rest_is_taken_back_all_the_same() -> None:
    sick = replace(fresh(), sick=("frontend",))
    back = place("replace frontend$") + 1
    reference = SimHost(world=sick)
    deploy(reference)
    number = reference.asked.index("replace frontend", back)
    host = SimHost(world=sick, fault=Fault(number, 1))
    outcome = deploy(host)
    assert outcome.code == 5
    assert "then taking back 'Rolling update - Application services' failed" in str(outcome.error)
    assert host.world.records()[RELEASE] == "BROKEN"
    assert host.world.boxes["redis"].written == fresh().boxes["redis"].written
    assert (host.world.head, host.world.branch) == (OLD, "main")


@pytest.mark.parametrize("fault", [ERROR, INTERRUPTED], ids=["error", "interrupted"])
def test_a_record_that_cannot_be_closed_does_not_change_how_it_ended(fault: Fault) -> None:
    sick = replace(fresh(), sick=("frontend",))
    reference = SimHost(world=sick)
    deploy(reference)
    host = SimHost(world=sick, fault=replace(fault, at=len(reference.asked) - 1))
    assert deploy(host).code == 4
    assert host.world.serving == fresh().serving


def test_a_failure_while_cleaning_up_takes_nothing_back() -> None:
    host, outcome = failing("docker images")
    assert outcome.code == 0
    assert host.world.current == RELEASE
    assert [text for text in messages(outcome, "warn") if text.startswith("cleaning up did not finish")]


def test_ctrl_c_while_cleaning_up_leaves_the_new_release_serving() -> None:
    host, outcome = failing("docker images", INTERRUPTED)
    assert outcome.code != 0
    assert host.world.current == RELEASE
    assert host.world.records()[RELEASE] == "DONE"
    assert host.world.boxes["backend"].image == image_id("backend", NEW)


def test_a_defect_is_taken_back_too_and_its_traceback_goes_to_the_log() -> None:
    host, outcome = failing("docker compose config", GARBAGE, last=False)
    assert outcome.code == 4
    assert "Unexpected" in str(outcome.error)
    told = [event.text for event in outcome.events if isinstance(event, Output)]
    assert any("Traceback" in line for line in told)
    assert host.world.serving == fresh().serving


def test_a_release_that_was_never_finished_is_told_of() -> None:
    first, _ = failing("replace frontend$", replace(NEVER_ARRIVES, lasts=True))
    outcome = deploy(SimHost(world=first.world), branch="v1.2.4", run=SECOND)
    assert f"An earlier run was interrupted: {RELEASE}" in messages(outcome, "warn")
    assert f"Release {RELEASE} is taken back; {ADOPTED} serves" in messages(outcome)


def test_old_images_go_and_those_of_kept_releases_stay() -> None:
    host = SimHost()
    runs = [f"20250115_12{minute:02}00" for minute in range(8)]
    for number, run in enumerate(runs):
        assert deploy(host, branch=("v1.2.3", "v1.2.4")[number % 2], run=run).code == 0
    tags = {name.partition(":")[2] for name in host.world.images if name.startswith("schedgen-")} - {"latest"}
    commits = [(NEW, NEXT)[number % 2] for number in range(8)]
    assert tags == {f"{run}-{commit[:7]}" for run, commit in zip(runs[3:], commits[3:], strict=True)}


class Orphaned(SimHost):
    """What Ctrl-C left alone does its work on the host while it is waited for."""

    left: Command | None = None

    def _answer(self, command: Command) -> Result:
        if str(command) == "docker compose up redis" and self.left is None:
            self.left = command
            raise KeyboardInterrupt
        if str(command) == "wait for redis" and self.left is not None:
            super()._answer(self.left)
        return super()._answer(command)


def test_what_ended_only_when_it_was_waited_for_is_taken_back_too() -> None:
    host = Orphaned(world=fresh())
    assert deploy(host).code == 4
    assert host.asked.count("docker compose up redis") == 2
    assert host.world.serving == fresh().serving


def test_on_an_empty_host_nothing_is_said_to_serve() -> None:
    host = SimHost(world=replace(fresh(), boxes={}, sick=("frontend",)))
    seen: list[Event] = []
    bare = settings(database=None, objects=None, migrations=None)
    with pytest.raises(RolledBack):
        assemble(Session(bare, Fleet((host,)), Ref("v1.2.3"), FIRST, FakeClock(), seen.append, OWNER))()
    told = [event.text for event in seen if isinstance(event, Message)]
    assert "Nothing served here before" in told
    assert not any("serves" in text for text in told)


def test_what_was_taken_back_is_asked_whether_it_serves() -> None:
    host = SimHost(world=replace(fresh(), sick=("frontend",)))
    assert deploy(host).code == 4
    last = [name for name in host.asked if name.startswith(("GET ", "replace ", "docker compose up"))][-1]
    assert last.startswith("GET ")
