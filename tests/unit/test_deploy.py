"""A deploy from the first look to the last image; what is told and left when anything at all goes wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from deploying import FIRST, SECOND, Outcome, deploy, deployed, start, untruths
from simulated import Fault, SimHost
from simulated_world import COMMITS, NEW, NEXT, OLD, fresh, image_id

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.events import Message, Output, StepFinished, StepStarted

ADOPTED = f"{FIRST}-{OLD[:7]}-adopted"
RELEASE = f"{FIRST}-{NEW[:7]}"

ERROR = Fault(0, 1)
KILLED = Fault(0, 137, after=True)
NEVER_ARRIVES = Fault(0, ConnectionLost)
ANSWER_LOST = Fault(0, ConnectionLost, after=True)
INTERRUPTED = Fault(0, KeyboardInterrupt)
DONE_THEN_INTERRUPTED = Fault(0, KeyboardInterrupt, after=True)
GARBAGE = Fault(0, said="\x00 {]\n", after=True)

CASES = {
    "answers with an error": (ERROR, True),
    "is killed halfway": (KILLED, True),
    "never arrives": (NEVER_ARRIVES, True),
    "is done, but its answer is lost": (ANSWER_LOST, True),
    "is interrupted": (INTERRUPTED, True),
    "is done, then interrupted": (DONE_THEN_INTERRUPTED, True),
    "says what nobody can read": (GARBAGE, True),
    "answers with an error, as do all after it": (replace(ERROR, lasts=True), True),
    "never arrives, nor does any after it": (replace(NEVER_ARRIVES, lasts=True), True),
    "of a second deploy is done, but its answer is lost": (ANSWER_LOST, False),
    "of a second deploy is done, then interrupted": (DONE_THEN_INTERRUPTED, False),
}


def commands(*, adopted: bool) -> list[str]:
    world, branch, run, _ = start(adopted=adopted)
    host = SimHost(world=world)
    assert deploy(host, branch=branch, run=run).code == 0
    return host.asked


def place(pattern: str, *, last: bool = False) -> int:
    """How many commands of a first deploy come before the one that matches."""
    places = [number for number, name in enumerate(commands(adopted=True)) if re.search(pattern, name)]
    return places[-1 if last else 0]


def failing(
    pattern: str, fault: Fault = ERROR, *, last: bool = False, **behaviour: Any
) -> tuple[SimHost, Outcome]:
    host = SimHost(world=replace(fresh(), **behaviour), fault=replace(fault, at=place(pattern, last=last)))
    return host, deploy(host)


def steps(outcome: Outcome) -> list[str]:
    return [event.title for event in outcome.events if isinstance(event, StepStarted)]


def messages(outcome: Outcome, level: str = "info") -> list[str]:
    return [event.text for event in outcome.events if isinstance(event, Message) and event.level == level]


@pytest.mark.parametrize(("fault", "adopted"), CASES.values(), ids=CASES.keys())
def test_whichever_command_fails_the_exit_code_tells_the_truth(fault: Fault, adopted: bool) -> None:
    before, branch, run, old = start(adopted=adopted)
    commit = COMMITS[branch]
    wrong: list[str] = []
    for number, name in enumerate(commands(adopted=adopted)):
        host = SimHost(world=before, fault=replace(fault, at=number))
        outcome = deploy(host, branch=branch, run=run)
        found = untruths(host, before, outcome, old, run, commit)
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("fault", [ERROR, ANSWER_LOST, INTERRUPTED], ids=["error", "lost", "interrupted"])
def test_whatever_fails_while_taking_back_the_exit_code_tells_the_truth(fault: Fault) -> None:
    sick = replace(fresh(), sick=("frontend",))
    reference = SimHost(world=sick)
    assert deploy(reference).code == 4
    wrong: list[str] = []
    untagging = next(n for n, name in enumerate(reference.asked) if name.startswith("docker rmi"))
    for number in range(place("replace frontend$") + 1, untagging):
        host = SimHost(world=sick, fault=replace(fault, at=number))
        outcome = deploy(host)
        found = untruths(host, sick, outcome, ADOPTED, FIRST, NEW)
        wrong += [f"{number} {reference.asked[number][:60]}: {text}" for text in found]
        assert outcome.code in (4, 5)
    assert not wrong, "\n".join(wrong)


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
    assert finished == steps(outcome)
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
    named = host.asked.index("write /srv/schedgen/.schedgen/current", place("docker compose build"))
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
    "df -Pk": "free disk space is not known",
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


def test_a_service_that_crashes_after_a_while_is_named() -> None:
    host = SimHost(world=replace(fresh(), dies="schedgen-backend-1 1"))
    outcome = deploy(host)
    assert outcome.code == 4
    assert "schedgen-backend-1 was healthy and then ended with exit code 1" in str(outcome.error)
    assert host.world.serving == fresh().serving


def test_a_site_that_answers_with_errors_is_not_put_into_service() -> None:
    host = SimHost(world=replace(fresh(), status="500"))
    outcome = deploy(host)
    assert outcome.code == 4
    assert outcome.error is not None
    assert "backend http://localhost:3001/health: answered 500" in outcome.error.detail
    assert host.world.current == ADOPTED


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
