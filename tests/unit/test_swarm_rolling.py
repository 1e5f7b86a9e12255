"""Services of a stack brought, put back and recovered: what a manager is told, and in which order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import FakeHost, context, result
from swarm_kit import swarm

from schedgen_ops.commands.git import NO_WORK_TREE
from schedgen_ops.commands.swarm import StackCommands
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.swarm import canary, recovery, rolling
from schedgen_ops.swarm.building import _one

COMMIT = "a" * 40


def no_data(release: Release, _: Callable[[], None]) -> None:
    """Where no rollback was about to exchange the database."""
    raise AssertionError(release.id)


def release(name: str, *services: str, state: State = State.DONE, **more: Any) -> Release:
    records = {
        each: ServiceRecord(
            f"shop-{each}:{name}", "sha256:1", f"{name}{each}", strategy=_how(each), needs=_needs(each)
        )
        for each in services
    }
    id_ = ReleaseId(f"20250115_12000{name}-{COMMIT[:7]}")
    return Release(id_, "v1", COMMIT, state, services=records, **more)


def _how(name: str) -> str:
    return {"migrate": "job", "store": "stop-first"}.get(name, "start-first")


def _needs(name: str) -> tuple[str, ...]:
    return {"web": ("store", "migrate"), "migrate": ("store",)}.get(name, ())


def manager(**answers: Callable[[Command], Result | str]) -> FakeHost:
    """A manager on which all goes well, but for the scripts that are named."""

    def well(command: Command) -> str:
        names = dict(command.values)["services"]
        return "".join(f"service {name} well yes 1 of 1 run\n" for name in names)  # type: ignore[union-attr]

    scripts: dict[str, Any] = {"roll": well, **answers}
    known: dict[Any, Any] = {_script(f"swarm/{name}"): answer for name, answer in scripts.items()}
    return FakeHost(answers={**known, (lambda _: True): ""})


def _script(name: str) -> Callable[[Command], bool]:
    return lambda command: command.script == name


def host_run(host: FakeHost, old: Release | None, new: Release | None, *begun: Release) -> HostRun:
    shelf = Shelf(old.id if old else ReleaseId(""), (*((old,) if old else ()), *begun))
    tree = replace(NO_WORK_TREE, commit=COMMIT)
    seen = Observed(tree, (), shelf, classic=False, engine="", compose="", no_detour="", free_bytes=1)
    return HostRun(context(host, swarm()), seen, old=old, new=new)


def told(host: FakeHost) -> list[tuple[str, str, tuple[str, ...]]]:
    """What was done to the stack: the script, the release whose files it was given, and the services."""
    found = []
    for command in host.commands:
        values: dict[str, Any] = dict(command.values)
        if command.script in ("swarm/roll", "swarm/remove", "swarm/job"):
            where = values.get("folder") or values.get("file") or ""
            number = where.partition("20250115_12000")[2][:1]
            found.append(
                (command.script[6:], number, tuple(values.get("services", (values.get("service"),))))
            )
    return found


def test_what_others_need_comes_first_and_a_job_is_run_to_its_end() -> None:
    host = manager()
    it = host_run(host, None, release("2", "web", "store", "migrate"))
    rolling.bring(it, ["web", "store", "migrate"])
    assert told(host) == [
        ("roll", "2", ("store",)),
        ("job", "2", ("migrate",)),
        ("roll", "2", ("web",)),
    ]


def test_one_that_does_not_get_well_ends_it_and_is_taken_back_from_the_record_of_before() -> None:
    def fails(command: Command) -> Result | str:
        values: dict[str, Any] = dict(command.values)
        if "web" in values["services"] and "120002" in values["folder"]:
            return result("service web bad yes task: non-zero exit (1)\n", code=1)
        return "".join(
            f"service {name} well {'no' if name == 'store' else 'yes'} x\n" for name in values["services"]
        )

    host = manager(roll=fails)
    it = host_run(host, release("1", "web", "store"), release("2", "web", "store", "more"))
    with pytest.raises(OpsError, match="service web does not get well: task: non-zero exit") as found:
        rolling.bring(it, ["store", "more", "web"])
    assert "inv logs" in found.value.hint
    host.commands.clear()
    rolling.back(it)
    assert told(host) == [("roll", "1", ("web",)), ("remove", "", ("more",))], "store had not changed"
    assert it.touched == []


def test_a_first_deploy_that_fails_leaves_nothing() -> None:
    host = manager()
    it = host_run(host, None, release("2", "web"))
    it.touched.append("web")
    rolling.back(it)
    assert told(host) == [("remove", "", ())]


def test_where_nothing_was_begun_nothing_is_taken_back() -> None:
    host = manager()
    rolling.back(host_run(host, release("1", "web"), release("2", "web")))
    assert host.commands == []


def test_what_a_killed_run_had_begun_is_put_back_and_its_record_closed() -> None:
    host = manager()
    begun = release("2", "web", "more", state=State.STARTED, reached=True)
    it = host_run(host, release("1", "web"), None, begun)
    recovery.recover(it, no_data)
    assert told(host) == [("roll", "1", ("web",)), ("remove", "", ("more", "schedgen-ingress"))]
    assert "was taken back" in it.righted
    assert any('"state":"FAILED"' in str(command.stdin) for command in host.commands)


def test_what_a_run_could_not_take_back_is_put_back_by_the_next_one() -> None:
    """Once only: what came to serve since then is another one."""
    old = release("1", "web")
    broken = release("2", "web", state=State.BROKEN, reached=True, previous=old.id)
    host = manager()
    it = host_run(host, old, None, broken)
    recovery.recover(it, no_data)
    assert told(host)[0] == ("roll", "1", ("web",))
    assert "was taken back" in it.righted
    for harmless in (replace(broken, previous=ReleaseId("other")), replace(broken, reached=False)):
        host = manager()
        recovery.recover(host_run(host, old, None, harmless), no_data)
        assert told(host) == []


def test_what_serves_and_is_not_well_keeps_nobody_from_mending_it() -> None:
    old = release("1", "web")
    broken = release("2", "web", state=State.BROKEN, reached=True, previous=old.id)
    bad = Result("service web bad no it ends\n", "", 1, 0.0)
    recovery.recover(host_run(manager(roll=lambda _: bad), old, None, broken), no_data)
    # Docker's complaint begins as the script's own lines do.
    said = "service web: Error response from daemon: The swarm does not have a leader."
    no_leader = Result(f"{said}\n", said, 1, 0.0)
    with pytest.raises(rolling.Untold, match="was not told: service web: Error response"):
        recovery.recover(host_run(manager(roll=lambda _: no_leader), old, None, broken), no_data)


def test_a_manager_that_cannot_be_told_is_asked_once_to_take_a_release_back() -> None:
    asked: list[int] = []

    def gone(_: object) -> None:
        asked.append(1)
        raise rolling.Untold("no leader")

    session: Any = SimpleNamespace(untold=None, host_runs=(), undoing=lambda _: lambda: gone(None))
    for _ in range(3):
        with pytest.raises(rolling.Untold):
            canary.undoing(session)()
    assert len(asked) == 1


def test_a_killed_run_that_came_to_nothing_that_serves_replaces_nothing() -> None:
    host = manager()
    recovery.recover(host_run(host, release("1", "web"), None, release("2", state=State.STARTED)), no_data)
    assert told(host) == []


def test_a_job_that_a_killed_run_left_is_ended_before_anything_goes_back() -> None:
    def look(_: Command) -> str:
        known = {"mode": "replicated", "replicas": "1/1"}
        lines = [{"service": f"shop_{name}", **known} for name in ("web", "migrate", "schedgen-migrate")]
        return "\n".join(map(json.dumps, lines))

    host = manager(look=look)
    begun = release("2", "web", "migrate", state=State.STARTED, reached=True)
    recovery.recover(host_run(host, release("1", "web", "migrate"), None, begun), no_data)
    assert told(host)[:2] == [("remove", "", ("migrate", "schedgen-migrate")), ("roll", "1", ("web",))]


def test_where_no_run_left_anything_nothing_is_put_right() -> None:
    host = manager()
    it = host_run(host, release("1", "web"), None)
    it.seen = replace(it.seen, shelf=replace(it.seen.shelf, written=it.seen.shelf.current))
    recovery.recover(it, no_data)
    assert (it.righted, host.commands) == ("", [])


def test_a_file_that_names_nothing_names_what_serves_again() -> None:
    host = manager()
    it = host_run(host, release("1", "web"), None)
    recovery.recover(it, no_data)
    assert "is named as what serves" in it.righted
    assert told(host) == []


def test_a_first_deploy_that_was_killed_is_removed() -> None:
    host = manager()
    recovery.recover(
        host_run(host, None, None, release("2", "web", state=State.STARTED, reached=True)), no_data
    )
    assert told(host) == [("remove", "", ())]


def test_a_service_goes_where_its_volumes_are_and_never_to_one_of_two_places() -> None:
    assert _one("store", ["data"], {"data": ["id2"]}, "id1") == "id2"
    assert _one("store", ["data"], {"data": []}, "id1") == "id1"
    with pytest.raises(OpsError, match="several nodes have volumes of store"):
        _one("store", ["data", "logs"], {"data": ["id1"], "logs": ["id2"]}, "id1")


def test_who_signs_in_is_told_on_stdin_alone() -> None:
    from schedgen_ops.commands.docker import Docker
    from schedgen_ops.commands.registry import Login
    from schedgen_ops.shell import Secret

    stack = StackCommands(Docker(False), "shop", Login("registry.example", "ci", Secret("hunter2")))
    command = stack.roll("/files", ["web"], 10, 0)
    assert "hunter2" not in command.text
    assert replace(command).secrets
