"""A deploy that goes well, and one that is refused before it begins."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from deploying import (
    ADOPTED,
    NEVER_ARRIVES,
    RELEASE,
    SECOND,
    deploy,
    deployed,
    failing,
    messages,
    place,
    steps,
)
from fakes import result
from simulated import SimHost
from simulated_world import NEW, STATE, World, fresh

from schedgen_ops.events import StepFinished
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command


def test_a_good_deploy_is_told_as_the_runbook_tells_it() -> None:
    host = SimHost()
    outcome = deploy(host)
    assert outcome.code == 0
    assert outcome.release == RELEASE
    assert steps(outcome) == [
        "Pre-flight Checks",
        "Pre-deployment backup",
        "Pulling latest code",
        "Building containers",
        "Running database migrations",
        "Ingress",
        "Rolling update - Infrastructure services",
        "Rolling update - Application services",
        "Rolling update - Monitoring services",
        "Post-deployment verification",
        "Cleaning up old images",
    ]
    finished = [event.title for event in outcome.events if isinstance(event, StepFinished)]
    # The backup runs beside the steps that come after it.
    assert sorted(finished) == sorted(steps(outcome))
    assert "New migration: backend/src/migrations/17-AddPageCount.js" in messages(outcome)
    assert f"What runs now is kept as release {ADOPTED}" in messages(outcome)


def test_only_what_changed_is_replaced() -> None:
    host = SimHost()
    deploy(host)
    assert [name for name in host.world.changed if name.startswith("up ")] == [
        "up redis",
        "up backend",
        "up frontend",
        "up prometheus",
    ]


def test_the_same_release_again_touches_nothing() -> None:
    host = SimHost(world=deployed())
    assert deploy(host, run=SECOND).code == 0
    assert [name for name in host.world.changed if name.startswith("up ")] == []


def test_what_serves_is_named_only_after_it_was_verified() -> None:
    host = SimHost()
    deploy(host)
    named = next(number for number, name in enumerate(host.asked) if name.startswith("serve "))
    assert max(number for number, name in enumerate(host.asked) if name.startswith("GET ")) < named


def test_the_data_is_saved_before_anything_else_changes() -> None:
    host = SimHost()
    deploy(host)
    assert host.world.changed[0].startswith("backups/pre-deployment-20250115_1200")
    assert host.world.backups == ("backups/pre-deployment-20250115_120000",)


def test_migrations_run_once_with_the_new_image_before_any_service_is_replaced() -> None:
    host = SimHost()
    deploy(host)
    assert host.world.migrated == (NEW,)
    assert place("docker compose run") < place("docker compose up")


REFUSALS = {
    "true": "no project directory",
    "git status": "git does not answer",
    "docker version": "Docker does not answer",
    "docker compose version": "Compose plugin does not answer",
    "read the names": ".env cannot be read",
    "is backups writable": "backups is not writable",
    "docker inspect": "containers are not known",
    "read the releases": "records cannot be read",
    "^df": "free disk space is not known",
}


@pytest.mark.parametrize(("pattern", "reason"), REFUSALS.items())
def test_a_host_that_is_not_ready_is_refused_untouched(pattern: str, reason: str) -> None:
    host, outcome = failing(pattern)
    assert outcome.code == 3
    assert outcome.error is not None
    assert reason in outcome.error.detail
    assert host.world.changed == []
    assert not host.holds


def test_a_host_that_cannot_be_reached_is_code_8_and_nothing_was_changed() -> None:
    host, outcome = failing("git status", NEVER_ARRIVES)
    assert outcome.code == 8
    assert host.world.changed == []


def test_a_second_deploy_at_the_same_time_is_refused_by_the_name_of_the_first() -> None:
    world = replace(
        fresh(), held_by='{"user": "bob", "machine": "desk", "command": "deploy", "release": "v1.2.2"}'
    )
    host = SimHost(world=world)
    outcome = deploy(host)
    assert outcome.code == 7
    assert "bob@desk, deploy v1.2.2" in str(outcome.error)
    assert host.world.changed == []
    assert all(hold.closed for hold in host.holds)


class Busy(SimHost):
    """A host on which somebody else's deploy of v1.2.3 ends while it is waited for."""

    def _answer(self, command: Command) -> Result:
        if command.title == "schedgen-lock-wait":
            self.world = deployed().copy()
            return result()
        return super()._answer(command)


def test_who_waits_for_another_deploy_goes_on_from_what_that_one_left() -> None:
    host = Busy(world=replace(fresh(), held_by='{"user": "bob", "machine": "desk"}'))
    outcome = deploy(host, branch="v1.2.4", run=SECOND, wait=600)
    assert outcome.code == 0
    record = json.loads(host.world.files[f"{STATE}/releases/{outcome.release}/release.json"])
    assert record["previous"] == RELEASE


class AtWork(Busy):
    """A host that is not ready as long as somebody else's deploy runs.

    Args:
        late: how often it is asked who is at work before anybody is.
    """

    def __init__(self, world: World, late: int = 0) -> None:
        super().__init__(world=world)
        self.late = late
        self.looks = 0

    def _answer(self, command: Command) -> Result:
        if command.title == "schedgen-lock-who" and self.late:
            self.late -= 1
            return result("free\n")
        if command.title == "look at git":
            self.looks += 1
            if self.world.held_by:
                return result("lock 120 .git/index.lock\nruns 77 git\n")
        return super()._answer(command)


@pytest.mark.parametrize(("late", "looks"), [(0, 1), (1, 2)])
def test_what_another_run_does_at_the_moment_refuses_nobody_who_waits_for_it(late: int, looks: int) -> None:
    host = AtWork(replace(fresh(), held_by='{"user": "bob", "machine": "desk"}'), late)
    outcome = deploy(host, branch="v1.2.4", run=SECOND, wait=600)
    assert (outcome.code, host.looks) == (0, looks), outcome.error


class WasAtWork(AtWork):
    """A host whose first look falls into a run so short that nobody ever sees it hold the lock."""

    def _answer(self, command: Command) -> Result:
        if command.title == "look at git" and not self.looks:
            self.looks += 1
            return result("lock 1 .git/index.lock\nruns 77 git\n")
        return super()._answer(command)


@pytest.mark.parametrize(("wait", "code", "looks"), [(600, 0, 2), (0, 3, 1)])
def test_what_a_run_did_that_is_over_already_refuses_nobody_who_waits(
    wait: int, code: int, looks: int
) -> None:
    host = WasAtWork(fresh())
    outcome = deploy(host, branch="v1.2.4", run=SECOND, wait=wait)
    assert (outcome.code, host.looks) == (code, looks), outcome.error


def test_who_does_not_wait_asks_nothing_more_and_is_refused_at_once() -> None:
    host = AtWork(replace(fresh(), held_by='{"user": "bob", "machine": "desk"}'))
    outcome = deploy(host, branch="v1.2.4", run=SECOND)
    assert (outcome.code, host.looks) == (3, 1)
    assert "schedgen-lock-who" not in host.asked


def test_how_long_a_service_was_away_is_kept_for_the_next_plan() -> None:
    host = SimHost()
    assert deploy(host).code == 0
    record = json.loads(host.world.files[f"{STATE}/releases/{RELEASE}/release.json"])
    assert record["services"]["redis"]["seconds"] == 2.0
    assert record["services"]["minio"]["seconds"] == 0.0
