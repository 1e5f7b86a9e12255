"""What doctor says after a deploy or a rollback that failed, and that the failure stays what it is."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from deploying import deployed
from fakes import context, result
from kit import settings, written
from simulated import Fault, SimHost
from simulated_world import World, fresh
from test_tasks import BOB, Capture, Inv

from schedgen_ops.cli import post_mortem as told
from schedgen_ops.doctor import failed_run, plan, post_mortem, run
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.errors import ConnectionLost, HandedOver, OpsError, Overruled, RolledBack
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

inv = test_tasks.inv
SICK = replace(fresh(), sick=("backend",))
IDLE = "MemTotal: 8 kB\nMemAvailable: 6 kB\n0.10 0.10 0.10 1/200 4000\n2\n"
FULL = "/srv/schedgen\t9999\t5000000\t6000000\n"
QUEUE = '{"queue": {"waiting": 0}}'
# What the simulated world has no idea of: answers of a host that is well.
WELL = {
    "load": IDLE,
    "git ls-remote origin": f"{'a' * 40}\trefs/heads/main\n",
    "GET http://localhost:3001/api/jobs/metrics": f"HTTP/1.1 200 X\r\n\r\n{QUEUE}\n\x1e10000 ",
}


class Host(SimHost):
    """A host that a deploy fails on, and that is well when doctor asks.

    Args:
        said: what a container wrote that is not healthy.
        now: what doctor is answered, by the titles of commands, where the host is not well.
        look: is called when doctor asks.
    """

    def __init__(
        self,
        name: str = "app1",
        world: World = SICK,
        fault: Fault | None = None,
        *,
        said: str = "",
        now: Mapping[str, str] | None = None,
        look: Callable[[], object] = bool,
    ) -> None:
        super().__init__(name, world, fault)
        self.said, self.now, self.look = said, {**WELL, **(now or {})}, look
        self.looks = 0

    def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        if not any(command.script == "doctor/services" for command in commands):
            return super().together(commands, deadline=deadline)
        self.looks += 1
        self.look()
        return tuple(
            result(self.now[str(command)]) if str(command) in self.now else self._reply(command, deadline)
            for command in commands
        )

    def _answer(self, command: Command) -> Result:
        answer = super()._answer(command)
        return replace(answer, stdout=answer.stdout.replace("Error: no database", self.said or "starting"))


def findings(tmp_path: Path, host: str = "app1") -> list[dict[str, Any]]:
    """What the journal has of them."""
    (journal,) = (tmp_path / "state").rglob("*.jsonl")
    lines = map(json.loads, journal.read_text().splitlines())
    (found,) = (line["value"] for line in lines if line.get("name") == "doctor" and line["host"] == host)
    return list(found)


def shown(capsys: Capture) -> tuple[str, str]:
    """What a run told, and the block of the error that it ended with."""
    out, err = capsys.readouterr()
    before, error = err.split("\nERROR: ")
    return out + before, error


def raising(error: BaseException) -> Callable[[], object]:
    def act() -> None:
        raise error

    return act


def test_what_the_failed_release_told_and_what_the_host_has_stand_above_the_error(
    inv: Inv, capsys: Capture, tmp_path: Path
) -> None:
    host = Host(said="Error: connect ECONNREFUSED 172.18.0.3:6379", now={"df": FULL})
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    before, error = shown(capsys)
    assert "Doctor finds dependency: what failed told of it: Error: connect ECONNREFUSED" in before
    assert "Doctor finds disk space: 0.01 GB are free where /srv/schedgen is" in before
    # The run's own failure is what is read last, as it would be without doctor.
    first, *_ = error.splitlines()
    assert first == "Service backend failed health check after 0s"
    assert "  next:    Mend backend and deploy again." in error
    assert "  doctor:  `inv status` shows whether what it needs runs; then run it again (dependency)" in error
    assert "inv ops.prune" in error.split("  doctor:  ")[1]
    assert [one["cause"] for one in findings(tmp_path)] == ["dependency", "disk space"]


def test_the_document_and_the_report_have_it_too(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    assert inv("deploy", "--branch", "v1.2.3", "--json", on=[Host(now={"df": FULL})]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 4
    (found,) = document["host_facts"]["app1"]["doctor"]
    assert (found["cause"], found["verdict"]) == ("disk space", "found")
    assert document["error"]["message"] == "Service backend failed health check after 0s"
    (remedy,) = document["error"]["doctor"]
    assert remedy.startswith("inv ops.prune")
    assert remedy.endswith("(disk space)")
    page = Path(document["report"]).read_text()
    assert "<h2>Doctor</h2>" in page
    assert "<td>app1</td><td>disk space</td><td>found</td>" in page


def test_what_the_way_back_leaves_is_no_cause(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    host = Host()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    assert findings(tmp_path) == []
    assert "Doctor finds nothing wrong with 1 host as of now: app1" in capsys.readouterr().out
    # It is there to be found: the schema that stays, and the record of the deploy that failed.
    now = run.look_for(context(host, settings("app1")), plan.after_failure(), 5)
    assert {one.cause for one in now} == {"migrations conflict", "failed deploy"}


def test_load_and_services_that_just_started_are_traces_where_all_is_back() -> None:
    host = Host(now={"load": IDLE.replace("0.10 ", "9.00 ")})
    busy = run.look_for(context(host, settings("app1")), plan.after_failure(), 5)
    starting = Diagnosis("not started yet", "backend-1 started 2 s ago")
    found = (*busy, starting, Diagnosis("disk space", "none is free"))
    assert [one.cause for one in found] == ["host resources", "not started yet", "disk space"]
    back = failed_run.not_left_by(RolledBack("it failed"), found, migrated=False)
    assert [one.cause for one in back] == ["disk space"]
    begun = failed_run.not_left_by(OpsError("it failed"), found, migrated=False)
    assert [one.cause for one in begun] == ["not started yet", "disk space"]


def test_a_run_that_needs_a_person_and_a_rollback_are_looked_at_too(
    inv: Inv, capsys: Capture, tmp_path: Path
) -> None:
    host = Host(fault=Fault(60, 1, lasts=True))
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 5
    assert "Docker daemon" in [one["cause"] for one in findings(tmp_path)]
    _, error = shown(capsys)
    # Images are pulled beside the build: whichever of the two fails first is told.
    assert " failed" in error.partition("; then taking back ")[0]
    assert "; then taking back " in error
    assert "(Docker daemon)" in error
    back = Host(world=deployed(), fault=Fault(0, 1, named="replace frontend$"))
    assert inv("rollback", "--yes", on=[back]) == 4
    assert back.looks == 1


def test_a_guarded_release_that_went_back_is_looked_at(inv: Inv) -> None:
    host = Host(world=replace(deployed(), verdict="back"))
    assert inv("deploy.guarded", "--branch", "v1.2.4", on=[host]) == 4
    assert host.looks == 1


@pytest.mark.parametrize(
    ("host", "code"),
    [
        (Host(world=deployed()), 0),
        (Host(fault=Fault(1, 1)), 3),
        (Host(world=replace(fresh(), held_by=BOB)), 7),
        (Host(fault=Fault(0, ConnectionLost)), 8),
    ],
    ids=["done", "refused", "locked", "unreachable"],
)
def test_nothing_is_asked_where_nothing_failed_in_its_middle(inv: Inv, host: Host, code: int) -> None:
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == code
    assert host.looks == 0


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (OpsError("it failed"), 1),
        (RolledBack("it failed"), 1),
        (ZeroDivisionError("a defect"), 1),
        (Overruled("somebody else is at work"), 0),
        (HandedOver("the host goes on by itself"), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_who_is_at_work_on_the_host_now_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception, asked: int
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(told, "_explain", lambda *_: calls.append(1))
    nobody: Any = None
    with pytest.raises(type(error)) as raised, told.explained(nobody, nobody):
        raise error
    assert raised.value is error
    assert len(calls) == asked


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionLost("the connection died"), "the connection died"),
        (ZeroDivisionError("secret"), "unexpected ZeroDivisionError"),
        (KeyboardInterrupt(), "unexpected KeyboardInterrupt"),
    ],
)
def test_a_host_that_cannot_be_asked_is_told_and_changes_nothing(
    inv: Inv, capsys: Capture, tmp_path: Path, error: BaseException, why: str
) -> None:
    assert inv("deploy", "--branch", "v1.2.3", on=[Host(look=raising(error))]) == 4
    before, last = shown(capsys)
    assert f"Doctor did not look at this host: {why}" in before
    assert last.startswith("Service backend failed health check after 0s")
    assert "doctor:" not in last
    assert [one["verdict"] for one in findings(tmp_path)] == ["unknown"]


def test_nobody_waits_for_a_host_that_hangs(
    inv: Inv, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_mortem, "SECONDS", 0.1)
    never = threading.Event()
    assert inv("deploy", "--branch", "v1.2.3", on=[Host(look=never.wait)]) == 4
    never.set()
    assert "Doctor did not look at this host: it did not answer within 0.1 s" in shown(capsys)[0]


def test_each_host_is_told_by_itself(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    rows = [{"name": name, "address": name} for name in ("app1", "app2")]
    (tmp_path / "config/staging.yaml").write_text(written(hosts=rows))
    away = Host("app2", look=raising(ConnectionLost("the connection died")))
    assert inv("deploy", "--branch", "v1.2.3", on=[Host(now={"df": FULL}), away]) == 4
    before, error = shown(capsys)
    assert "app1: Doctor finds disk space" in before
    assert "app2: Doctor did not look at this host: the connection died" in before
    assert "(disk space on app1)" in error


def test_a_defect_of_doctors_takes_the_place_of_no_error(
    inv: Inv, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_run, "spoken_of", lambda error: 1 // 0)
    assert inv("deploy", "--branch", "v1.2.3", on=[Host()]) == 4
    assert shown(capsys)[1].startswith("Service backend failed health check after 0s")


def test_ctrl_c_ends_the_look_and_nothing_more_is_said_of_it(inv: Inv, capsys: Capture) -> None:
    never = threading.Event()

    def pressed() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        never.wait()

    assert inv("deploy", "--branch", "v1.2.3", on=[Host(look=pressed)]) == 4
    never.set()
    before, error = shown(capsys)
    assert "Doctor finds" not in before
    assert "Doctor did not look" not in before
    assert error.startswith("Service backend failed health check after 0s")


def test_who_left_a_run_in_its_middle_waits_for_nothing_more(inv: Inv, capsys: Capture) -> None:
    host = Host(fault=Fault(60, KeyboardInterrupt, lasts=True))
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 5
    assert "interrupted from the keyboard" in capsys.readouterr().err
    assert host.looks == 0


def test_what_a_container_wrote_is_harmless_on_a_terminal_and_in_the_report(
    inv: Inv, capsys: Capture, tmp_path: Path
) -> None:
    host = Host(said="ENOSPC: no space left <script>alert(1)</script>\x1b[2J")
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    before, error = shown(capsys)
    assert "Doctor finds disk full" in before
    assert "\x1b" not in before + error
    (page,) = (tmp_path / "state").rglob("*.html")
    assert "<script>alert" not in page.read_text()


@pytest.mark.parametrize(
    ("step", "message", "detail", "cause"),
    [
        ("Building containers", "Container build failed", "failed to compute cache key", "build cache"),
        ("Building containers", "Container build failed", "dial tcp: i/o timeout", "network"),
        ("Building containers", "Container build failed", "Error: tests fail", "build failed"),
        ("Building containers", "Pulling images failed", "dial tcp: no such host", "network"),
        ("Pre-deployment backup", "the dump failed", "No space left on device", "disk full"),
        ("Pulling latest code", "git failed", "Could not resolve host: git.example", "network"),
        ("Running database migrations", "Database migrations failed", "lock timeout", "migration locked out"),
        ("Rolling update", "Service web failed health check", "address already in use", "port taken"),
        (
            "Rolling update",
            "Service web failed health check",
            "DATABASE_URL is missing, config",
            "configuration",
        ),
        ("Post-deployment verification", "web died", "JavaScript heap out of memory", "out of memory"),
    ],
)
def test_what_failed_is_read_for_its_cause(step: str, message: str, detail: str, cause: str) -> None:
    found = failed_run.spoken_of(OpsError(message, step=step, detail=f"starting\n{detail}"))
    assert found is not None
    assert (found.cause, found.known) == (cause, True)
    assert detail in found.text
    assert found.fix


@pytest.mark.parametrize(
    ("step", "detail"),
    [
        ("Rolling update", "starting\nError: no database"),
        ("Pulling latest code", "Permission denied (publickey)"),
        ("", ""),
    ],
)
def test_where_it_tells_of_no_cause_that_we_know_none_is_named(step: str, detail: str) -> None:
    assert failed_run.spoken_of(OpsError("it failed", step=step, detail=detail)) is None


def test_a_long_line_is_cut() -> None:
    found = failed_run.spoken_of(OpsError("it failed", detail="ENOSPC" * 100_000))
    assert found is not None
    assert len(found.text) < 400
