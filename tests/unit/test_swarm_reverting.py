"""Migrations taken back on a Swarm, and applied again: what is noted, what is run, and in which order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeHost, context, result
from swarm_kit import swarm
from test_swarm_rolling import COMMIT, no_data, release

from schedgen_ops.commands.git import NO_WORK_TREE
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.release.record import Release, State
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.swarm import recovery, reverting

MIGRATIONS = {
    "service": "web",
    "path": "migrations",
    "run": ["up"],
    "revert": ["down"],
    "show": ["show"],
    "applied": "^x (.+)$",
    "pending": "^- (.+)$",
}
FIRST = release("1", "web")
NEWER = release("2", "web", previous=FIRST.id, migrations=("migrations/2.sql", "migrations/3.sql"))
JOB = json.dumps({"services": {"schedgen-migrate": {"command": ["up"], "labels": {}}}})


def settings(**changes: Any) -> Settings:
    return swarm(migrations={**MIGRATIONS, **changes})


def manager(job: Callable[[Command], Result | str] = lambda _: "") -> FakeHost:
    """A manager on which all goes well, but for the job."""

    def script(name: str) -> Callable[[Command], bool]:
        return lambda command: command.script == f"swarm/{name}"

    def well(command: Command) -> str:
        names: Any = dict(command.values)["services"]
        return "".join(f"service {name} well yes 1 of 1 run\n" for name in names)

    known: dict[Any, Any] = {script("job"): job, script("roll"): well}
    return FakeHost(answers={**known, re.compile("^cat -- "): JOB, (lambda _: True): ""})


def rolling_back(host: FakeHost, new: Release | None = None, **changes: Any) -> HostRun:
    """A rollback from the newer release to the first one."""
    shelf = Shelf(NEWER.id, (FIRST, NEWER, *((new,) if new else ())), written=NEWER.id)
    tree = replace(NO_WORK_TREE, commit=COMMIT)
    seen = Observed(tree, (), shelf, classic=False, engine="", compose="", no_detour="", free_bytes=1)
    return HostRun(context(host, settings(**changes)), seen, old=NEWER, new=new)


def back(**more: Any) -> Release:
    return release("3", "web", state=State.STARTED, previous=NEWER.id, restores=FIRST.id, **more)


def story(host: FakeHost) -> list[str]:
    """What was noted in the record, which words a job ran, and which services were brought, in order."""
    found = []
    for command in host.commands:
        said = str(command.stdin or "")
        values: dict[str, Any] = dict(command.values)
        if '"reverted":[' in said:
            found.append("noted " + said.partition('"reverted":[')[2].partition("]")[0].replace('"', ""))
        if "by-hand" in command.text and '"command"' in said:
            found.append(f"file {json.loads(said)['services']['schedgen-migrate']['command'][0]}")
        if command.script in ("swarm/job", "swarm/roll"):
            where = values.get("folder") or values["file"]
            found.append(f"{command.script[6:]} {where.partition('20250115_12000')[2][:1]}")
    return found


def test_each_is_noted_before_it_is_taken_back_by_the_newer_image() -> None:
    host = manager()
    it = rolling_back(host, back())
    reverting.revert(it, FIRST.id)
    assert story(host) == [
        "noted migrations/3.sql",
        "file down",
        "job 2",
        "noted migrations/3.sql,migrations/2.sql",
        "file down",
        "job 2",
    ]
    assert it.release.reached


def test_one_that_cannot_be_taken_back_ends_it_and_those_before_are_applied_again_once() -> None:
    jobs: list[Result | str] = [
        "",
        result("syntax error\n", stderr="schedgen-migrate: non-zero exit (1)", code=1),
    ]
    host = manager(lambda _: jobs.pop(0) if jobs else "")
    it = rolling_back(host, back())
    with pytest.raises(OpsError, match=r"reverting migrations/2\.sql failed: non-zero exit"):
        reverting.revert(it, FIRST.id)
    host.commands.clear()
    reverting.again(it)
    assert story(host) == ["file up", "job 2", "noted "]
    host.commands.clear()
    reverting.again(it)
    assert host.commands == []


def test_the_newer_release_has_its_schema_before_its_services_and_its_services_even_without() -> None:
    host = manager()
    it = rolling_back(host, back(reverted=("migrations/3.sql",)))
    it.touched.append("web")
    reverting.services_back(it)
    assert story(host) == ["file up", "job 2", "noted ", "roll 2"]
    host = manager(lambda _: result(code=1))
    it = rolling_back(host, back(reverted=("migrations/3.sql",)))
    it.touched.append("web")
    with pytest.raises(OpsError, match="applying again the migrations that were reverted failed"):
        reverting.services_back(it)
    assert story(host) == ["file up", "job 2", "roll 2"]
    assert it.release.reverted == ("migrations/3.sql",), "whoever comes next tries again"


def test_a_killed_run_is_put_right_and_nothing_else_is_done_while_the_schema_is_not_known() -> None:
    host = manager()
    it = rolling_back(host, back(reached=True, reverted=("migrations/3.sql",)))
    it.new = None
    recovery.recover(it, no_data)
    assert story(host)[:4] == ["file up", "job 2", "noted ", "roll 2"]
    assert "was taken back" in it.righted
    host = manager(lambda _: result(code=1))
    it = rolling_back(host, back(reached=True, reverted=("migrations/3.sql",)))
    with pytest.raises(OpsError, match="applying again the migrations that were reverted failed"):
        recovery.recover(it, no_data)
    assert story(host) == ["file up", "job 2"]


def test_a_database_that_a_killed_rollback_exchanged_is_back_before_the_services_that_need_it() -> None:
    host = manager()
    it = rolling_back(
        host, back(reached=True, restored=("pre-deployment-20250115_120001", "20250115_120301"))
    )
    it.new = None
    seen: list[tuple[str, list[str]]] = []

    def data_back(release: Release, then: Callable[[], None]) -> None:
        seen.append((release.restored[1], story(host)))
        then()
        seen.append(("used", story(host)))

    recovery.recover(it, data_back)
    assert seen == [("20250115_120301", []), ("used", ["roll 2"])]


def test_what_reverts_nothing_is_refused_before_anything_changes() -> None:
    host = manager()
    with pytest.raises(ConfigError, match="nothing reverts the last migration here"):
        reverting.ready(rolling_back(host, revert=None))
    assert host.commands == []
    host = FakeHost(answers={re.compile("^ls "): 2})
    with pytest.raises(Refused, match="has no job for migrations"):
        reverting.ready(rolling_back(host))
