"""The rollback: what it asks, what it refuses, and what serves in the end."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest
from deploying import ANSWER_LOST, ERROR, FIRST, INTERRUPTED, SECOND, deploy, deployed, messages, untruths
from going_back import FOURTH, THIRD, ask, roll_back
from simulated import Fault, SimHost
from simulated_data import KEPT, RESTORED
from simulated_world import NEW, NEXT, OLD, STATE, World, fresh, image_id

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.events import Fact, Message, StepStarted
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

ADOPTED = f"{FIRST}-{OLD[:7]}-adopted"
OLDER = f"{FIRST}-{NEW[:7]}"
NEWER = f"{SECOND}-{NEXT[:7]}"
BACK = f"{THIRD}-{NEW[:7]}"


@functools.cache
def _twice() -> World:
    host = SimHost(world=deployed())
    assert deploy(host, branch="v1.2.4", run=SECOND).code == 0
    return host.world


def twice() -> World:
    """A world in which v1.2.3 and then v1.2.4 were deployed."""
    return _twice().copy()


def test_the_older_release_serves_again_from_its_kept_images() -> None:
    host = SimHost(world=twice())
    outcome = roll_back(host, to=OLDER)
    assert outcome.code == 0
    assert outcome.release == host.world.current == BACK
    older = deployed().serving
    assert {name: found[:3] for name, found in host.world.serving.items()} == {
        name: found[:3] for name, found in older.items()
    }
    assert host.world.head == NEW
    assert not host.world.standby
    assert not host.world.unreachable


def test_compose_by_hand_starts_what_serves_then() -> None:
    host = SimHost(world=twice())
    assert host.world.images["schedgen-backend:latest"] == image_id("backend", NEXT)
    outcome = roll_back(host, to=OLDER)
    assert not [text for text in messages(outcome, "warn") if "cleaning up" in text]
    assert host.world.images["schedgen-backend:latest"] == image_id("backend", NEW)


def test_the_newer_release_gets_no_request_any_more_and_the_time_it_took_is_told() -> None:
    host = SimHost(world=twice())
    outcome = roll_back(host, to=OLDER)
    assert any(f"{OLDER} answers every request, " in text for text in messages(outcome))
    assert [event for event in outcome.events if isinstance(event, Fact) and event.name == "answering"]


def test_nothing_is_built_or_fetched_and_no_schema_is_touched() -> None:
    host = SimHost(world=twice())
    roll_back(host, to=OLDER)
    for words in (
        "docker compose build",
        "git fetch",
        "docker compose run",
        "docker compose pull",
        "back up",
    ):
        assert not [name for name in host.asked if words in name]
    assert host.world.migrated == _twice().migrated


def test_it_is_told_step_by_step_and_measured() -> None:
    outcome = roll_back(SimHost(world=twice()), to=OLDER)
    assert [event.title for event in outcome.events if isinstance(event, StepStarted)] == [
        "Pre-flight Checks",
        "Release and images",
        "Restoring code",
        "Ingress",
        "Rolling back services",
        "Post-rollback verification",
        "Cleaning up old images",
    ]
    told = [event.text for event in outcome.events if isinstance(event, Message)]
    assert [text for text in told if text.startswith("Zero downtime: 19 requests")]
    assert [event for event in outcome.events if isinstance(event, Fact) and event.name == "probe"]


def test_a_failed_request_takes_the_claim_away() -> None:
    lost = "1000000 0 200 0.01\n2000000 0 503 0.01\n2500000 0 200 0.01\n"
    outcome = roll_back(SimHost(world=replace(twice(), probed=lost)), to=OLDER)
    told = [event for event in outcome.events if isinstance(event, Message)]
    assert not [event for event in told if "Zero downtime" in event.text]
    (warning,) = [event for event in told if "requests failed" in event.text]
    assert warning.level == "warn"
    assert warning.text == "1 of 3 requests failed during the run, the longest gap was 1.50s"


def test_a_rollback_is_a_release_with_a_record_of_its_own() -> None:
    host = SimHost(world=twice())
    roll_back(host, to=OLDER)
    assert host.world.records() == {ADOPTED: "ADOPTED", OLDER: "DONE", NEWER: "DONE", BACK: "DONE"}


def test_back_to_a_release_that_we_never_deployed() -> None:
    host = SimHost(world=deployed())
    assert roll_back(host, to=ADOPTED, run=SECOND).code == 0
    assert host.world.boxes["backend"].image == image_id("backend", OLD)
    assert not host.world.unreachable


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_a_service_that_does_not_get_healthy_leaves_the_newer_release_serving(service: str) -> None:
    before = replace(twice(), sick=(service,))
    host = SimHost(world=before)
    outcome = roll_back(host, to=OLDER)
    assert outcome.code == 4
    assert f"Service {service} failed health check" in str(outcome.error)
    assert untruths(host, before, outcome, NEWER, THIRD, NEW) == []
    assert host.world.current == NEWER


FAULTS = {
    "answers with an error": Fault(0, 1),
    "is killed halfway": Fault(0, 137, after=True),
    "is done, but its answer is lost": Fault(0, ConnectionLost, after=True),
    "is done, then interrupted": Fault(0, KeyboardInterrupt, after=True),
    "says what nobody can read": Fault(0, said="\x00 {]\n", after=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_whichever_command_fails_the_exit_code_tells_the_truth(fault: Fault) -> None:
    before = twice()
    reference = SimHost(world=before)
    assert roll_back(reference, to=OLDER, revert=True).code == 0
    wrong: list[str] = []
    for number, name in enumerate(reference.asked):
        host = SimHost(world=before, fault=replace(fault, at=number))
        outcome = roll_back(host, to=OLDER, revert=True)
        found = untruths(host, before, outcome, NEWER, THIRD, NEW)
        if outcome.code == 4 and host.world.schema < before.schema:
            found.append("the schema is not the one that the newer release knows")
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
    assert not wrong, "\n".join(wrong)


# What is refused before anything changed


@pytest.mark.parametrize("to", ["gone", "", f"{SECOND}-0000000"])
def test_a_release_that_is_not_there_cannot_be_gone_back_to(to: str) -> None:
    host = SimHost(world=twice())
    assert roll_back(host, to=to).code == 3
    assert host.world.changed == []


def test_a_release_that_failed_cannot_be_gone_back_to() -> None:
    host = SimHost(world=replace(deployed(), sick=("frontend",)))
    assert deploy(host, branch="v1.2.4", run=SECOND).code == 4
    host = SimHost(world=host.world)
    outcome = roll_back(host, to=NEWER)
    assert outcome.code == 3
    assert host.world.changed == []


def test_a_lost_image_is_named_and_nothing_is_changed() -> None:
    world = twice()
    del world.images[f"schedgen-backend:{OLDER}"]
    host = SimHost(world=world)
    outcome = roll_back(host, to=OLDER)
    assert outcome.code == 3
    assert f"images are no longer there: schedgen-backend:{OLDER}" in str(outcome.error)
    assert host.world.changed == []
    assert host.world.current == NEWER


def test_one_host_that_lost_an_image_keeps_both_as_they_are() -> None:
    hosts = (SimHost("app1"), SimHost("app2"))
    for branch, run in (("v1.2.3", FIRST), ("v1.2.4", SECOND)):
        assert deploy(*hosts, branch=branch, run=run).code == 0
    first, second = (SimHost(host.name, host.world) for host in hosts)
    del second.world.images[f"schedgen-frontend:{OLDER}"]
    outcome = roll_back(first, second, to=OLDER)
    assert outcome.code == 3
    assert outcome.error is not None
    assert outcome.error.host == "app2"
    assert first.world.changed == second.world.changed == []


# The schema


def test_reverting_takes_back_as_many_migrations_as_came_since() -> None:
    host = SimHost(world=twice())
    assert roll_back(host, to=OLDER, revert=True).code == 0
    assert host.world.schema == _twice().schema - 1
    reverting = next(n for n, name in enumerate(host.asked) if "migration:revert" in name)
    replacing = [n for n, name in enumerate(host.asked) if name.startswith("replace ")]
    assert reverting < replacing[-1]


def test_what_was_reverted_once_is_not_reverted_again() -> None:
    host = SimHost(world=twice())
    assert roll_back(host, to=OLDER, revert=True).code == 0
    assert roll_back(host, to=ADOPTED, run=FOURTH, revert=True).code == 0
    # Each of the two deploys brought one; v1.2.2's own are still there.
    assert host.world.schema == fresh().schema


def test_a_rollback_that_fails_gives_the_newer_release_its_schema_back() -> None:
    before = replace(twice(), sick=("frontend",))
    host = SimHost(world=before)
    outcome = roll_back(host, to=OLDER, revert=True)
    assert outcome.code == 4
    assert host.world.schema == before.schema
    assert untruths(host, before, outcome, NEWER, THIRD, NEW) == []


# The database of the release that is gone back to


def test_the_database_goes_back_when_it_is_asked_for_and_what_was_there_is_kept() -> None:
    host = SimHost(world=twice())
    seen = ask(host, restore=True)
    assert seen.code == 0, seen.error
    assert "the database will be that of pre-deployment-20250115_120000" in seen.text
    assert "What is there now is kept beside it" in seen.text
    assert (host.world.data, host.world.beside) == (RESTORED, (KEPT,))
    # It is restored before anything is replaced, and exchanged when the older code is there to use it.
    done = [name for name in host.world.changed if name in ("restore beside", "up backend", "swap")]
    assert done == ["restore beside", "up backend", "swap"]


def test_without_a_backup_of_its_own_time_nothing_is_changed() -> None:
    host = SimHost(world=twice())
    for path in [path for path in host.world.files if path.endswith("/manifest.json")]:
        del host.world.files[path]
    assert ask(host, restore=True).code == 2
    assert host.world.changed == []


def test_the_schema_goes_back_in_one_way_only() -> None:
    host = SimHost(world=twice())
    assert ask(host, restore=True, revert=True).code == 2
    assert host.asked == []


@pytest.mark.parametrize("fault", [ERROR, ANSWER_LOST, INTERRUPTED], ids=["error", "lost", "interrupted"])
def test_whichever_command_fails_the_database_is_the_one_of_the_release_that_serves(fault: Fault) -> None:
    reference = SimHost(world=twice())
    assert ask(reference, restore=True).code == 0
    wrong: list[str] = []
    for number, name in enumerate(reference.asked):
        host = SimHost(world=twice(), fault=replace(fault, at=number))
        seen = ask(host, restore=True)
        back = host.world.current != NEWER
        if seen.code in (0, 2, 3, 4, 7, 8) and (host.world.data == RESTORED) != back:
            wrong.append(f"{number} {name[:50]}: exit {seen.code}, {host.world.data} database")
        if seen.code == 4 and RESTORED in host.world.beside:
            wrong.append(f"{number} {name[:50]}: left over")
    assert not wrong, "\n".join(wrong)


# What the operator is asked


def test_the_question_says_from_where_to_where_and_what_stays() -> None:
    seen = ask(SimHost(world=twice()))
    assert seen.code == 0
    assert "WARNING: This will rollback to the previous deployment" in seen.text
    assert f"From {NEWER} (v1.2.4) to {OLDER} (v1.2.3, {NEW[:12]})" in seen.text
    assert "Backup location: backups/pre-deployment-20250115_1" in seen.text
    assert "Migrations since then stay, the older code must get on with them: backend/src" in seen.text
    assert "Do you want to proceed with rollback? (yes/no): " in seen.text
    assert f"{OLDER} serves again, as " in seen.text


def test_the_question_says_that_the_schema_goes_back_too() -> None:
    seen = ask(SimHost(world=twice()), revert=True)
    assert seen.code == 0
    assert "Migrations since then will be reverted: backend/src" in seen.text


@pytest.mark.parametrize("typed", ["no\n", "", "y\ny\ny\n"])
def test_anything_but_yes_changes_nothing(typed: str) -> None:
    host = SimHost(world=twice())
    seen = ask(host, typed=typed)
    assert seen.code == 3
    assert "nothing was changed" in str(seen.error)
    assert host.world.changed == []
    assert "Rollback Complete" not in seen.text


def test_yes_is_not_asked() -> None:
    host = SimHost(world=twice())
    seen = ask(host, yes=True, typed="no\n")
    assert seen.code == 0
    assert "(yes/no)" not in seen.text
    assert host.world.boxes["backend"].image == image_id("backend", NEW)


@pytest.mark.parametrize("world", [fresh(), None], ids=["never deployed", "back at the first"])
def test_nothing_to_go_back_to_is_an_error(world: World | None) -> None:
    if world is None:
        host = SimHost(world=deployed())
        assert roll_back(host, to=ADOPTED, run=SECOND).code == 0
        world = host.world
    host = SimHost(world=world)
    seen = ask(host)
    assert seen.code == 3
    assert "there is nothing to go back to" in str(seen.error)
    assert host.world.changed == []


def test_the_beginning_of_an_id_is_enough() -> None:
    host = SimHost(world=twice())
    assert ask(host, to=OLDER[:-2]).code == 0
    assert host.world.boxes["backend"].image == image_id("backend", NEW)


@pytest.mark.parametrize(
    ("to", "code", "text"),
    [
        ("1999", 3, "there is no release '1999' to go back to"),
        (FIRST, 2, f"begins several releases: {ADOPTED}, {OLDER}"),
        (NEWER, 3, "already serves"),
    ],
    ids=["unknown", "ambiguous", "the one that serves"],
)
def test_an_id_that_means_no_release_or_several_is_refused(to: str, code: int, text: str) -> None:
    host = SimHost(world=twice())
    seen = ask(host, to=to)
    assert seen.code == code
    assert text in str(seen.error)
    assert host.world.changed == []


def test_an_id_that_another_one_begins_with_is_that_release() -> None:
    host = SimHost()
    assert deploy(host, branch="v1.2.2").code == 0
    assert deploy(host, branch="v1.2.4", run=SECOND).code == 0
    seen = ask(host, to=f"{FIRST}-{OLD[:7]}")
    assert seen.code == 0
    assert f"{FIRST}-{OLD[:7]} serves again" in seen.text


class Overtaken(SimHost):
    """A host to which somebody else deploys while the operator is asked."""

    def _answer(self, command: Command) -> Result:
        # The run itself looks after the operator was asked.
        if command.title == "look at git":
            self.world.files[f"{STATE}/current"] = f"{OLDER}\n"
        return super()._answer(command)


def test_what_was_agreed_to_is_not_done_to_another_release() -> None:
    host = Overtaken(world=twice())
    seen = ask(host)
    assert seen.code == 3
    assert "another deploy ended a moment ago" in str(seen.error)
    assert host.world.changed == []


def test_hosts_that_would_go_back_to_different_releases_are_left_alone() -> None:
    first, second = SimHost("app1", twice()), SimHost("app2", deployed())
    seen = ask(first, second)
    assert seen.code == 2
    assert ADOPTED in str(seen.error)
    assert OLDER in str(seen.error)
    assert first.world.changed == second.world.changed == []
