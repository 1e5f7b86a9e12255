"""Migrations that a rollback on a Swarm takes back, and applies again where it is taken back itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeHost, context
from swarm_kit import swarm
from test_swarm_rolling import host_run, manager, release, told

from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.release import record
from schedgen_ops.release.record import Release, State
from schedgen_ops.remote import Result
from schedgen_ops.swarm import recovery, schema
from schedgen_ops.swarm.rollback import rollback
from schedgen_ops.swarm.session import SwarmSession

MIGRATIONS = {"service": "web", "run": ["run", "$it"], "show": ["show"], "revert": ["back"]}
SHOWN = {"path": "m", "applied": "^x", "pending": "^y"}
R1 = release("1", "web")
R2 = replace(release("2", "web"), previous=R1.id, migrations=("M1.js", "M2.js"))
JOB = json.dumps({"services": {"schedgen-migrate": {"command": ["x"], "labels": {}}}})


def host(fails: str = "") -> FakeHost:
    """A manager on which R2 serves."""
    records = "\n".join(map(record.to_json, (R1, R2)))
    made = manager(job=lambda _: Result("", f"{fails}\n", int(bool(fails)), 0.0))
    made.answers = {
        (lambda command: command.script == "release/read"): f"{R2.id}\n{records}\n",
        (lambda command: command.text.startswith("cat ")): JOB,
        **made.answers,
    }
    return made


def at_work(on: FakeHost, begun: Release | None = None, **changes: Any) -> HostRun:
    made = host_run(on, R2, release("3", "web", restores=R1.id), *((begun,) if begun else ()))
    made.context = context(on, swarm(migrations={**MIGRATIONS, **SHOWN, **changes}))
    made.seen = replace(made.seen, shelf=replace(made.seen.shelf, releases=(R1, *made.seen.shelf.releases)))
    return made


def commands(on: FakeHost) -> list[list[str]]:
    """The commands that jobs had, in their order."""
    written = [
        json.loads(str(each.stdin))
        for each in on.commands
        if each.script == "files/replace" and "by-hand" in each.text
    ]
    return [job["command"] for each in written for job in each["services"].values()]


def kept(on: FakeHost) -> list[list[str]]:
    """The migrations that the release's record says are taken back, as often as it was written."""
    texts = [str(each.stdin) for each in on.commands if '"reverted"' in str(each.stdin)]
    return [json.loads(text)["reverted"] for text in texts]


def reverting(run: HostRun, on: FakeHost) -> Any:
    owner = lock.myself(run.clock, "rollback", R1.id)
    settings, fleet = run.settings, Fleet([on])
    session = SwarmSession(settings, fleet, None, "run", run.clock, silence, owner, nodes=fleet)
    session.host_runs = (run,)
    steps = rollback(session, R1.id, revert=True).steps
    return next(step for step in steps if step.title == "Reverting migrations")


def test_the_newer_image_takes_them_back_newest_first_and_each_is_on_record_before() -> None:
    on = host()
    run = at_work(on)
    reverting(run, on).run()
    assert commands(on) == [["back"], ["back"]]
    assert {number for _, number, _ in told(on)} == {"2"}
    assert kept(on) == [["M2.js"], ["M2.js", "M1.js"]]
    scripts = [
        each.script for each in on.commands if each.script == "swarm/job" or '"reverted"' in str(each.stdin)
    ]
    assert [name == "swarm/job" for name in scripts] == [False, True, False, True]


def test_a_rollback_that_goes_back_itself_migrates_again() -> None:
    on = host()
    run = at_work(on)
    step = reverting(run, on)
    step.run()
    on.commands.clear()
    step.undo()
    assert commands(on) == [["run", "$$it"]]


def test_one_that_cannot_be_taken_back_ends_it_and_the_others_come_again() -> None:
    on = host(fails="schedgen-migrate: task: non-zero exit (1)")
    run = at_work(on)
    step = reverting(run, on)
    with pytest.raises(OpsError, match=r"reverting M2\.js failed: task: non-zero exit"):
        step.run()
    assert run.release.reverted == ("M2.js",)


def test_without_a_way_back_nothing_is_begun() -> None:
    on = host()
    with pytest.raises(ConfigError):
        schema.revert(at_work(on, revert=None), "M2.js")
    assert commands(on) == []


def test_what_a_killed_rollback_took_back_the_next_run_applies_again() -> None:
    on = host()
    begun = release("3", "web", state=State.STARTED, restores=R1.id, reverted=("M2.js",))
    run = at_work(on, begun)
    recovery.recover(run)
    assert commands(on) == [["run", "$$it"]]
    assert "was taken back" in run.righted


def test_a_run_that_reverted_nothing_migrates_nothing() -> None:
    on = host()
    recovery.recover(at_work(on, release("3", "web", state=State.STARTED, restores=R1.id)))
    assert commands(on) == []
