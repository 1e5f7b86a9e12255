"""The tasks as an operator types them, on simulated hosts: output, exit codes, what importing costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import typed
from deploying import deployed
from fakes import FakeHost
from kit import BACKUP, settings, written
from simulated import Fault, SimHost
from simulated_world import NEW, fresh

from schedgen_ops import host as ssh
from schedgen_ops.backup.catalog import manifest
from schedgen_ops.errors import ConnectionLost, HostKeyChanged
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.tasks import namespace

REPOSITORY = Path(__file__).parents[2]
CONFIG = written(hosts=[{"name": "app1", "address": "app1.example"}])
BOB = '{"user": "bob", "machine": "desk", "command": "deploy", "release": "v1.2.2"}'
FILES = (manifest.File("database.sql.gz", 3072, "0" * 64),)
MADE = replace(BACKUP, id=manifest.BackupId("pre-deployment-20250115_120000"), files=FILES)

Inv = Callable[..., int]


@pytest.fixture
def inv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inv:
    """Runs a task on the given hosts and returns its exit code."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/staging.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHEDGEN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SCHEDGEN_ENV", "staging")
    for name in ("GIT_BRANCH", "SCHEDGEN_CONFIG", "MONITORING_DURATION"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, on: Sequence[FakeHost] = (), error: BaseException | None = None) -> int:
        def connect(settings: Settings, entries: Sequence[HostSettings], *, prompt: Any) -> list[Any]:
            if error is not None:
                raise error
            return [host for host in on if host.name in {entry.name for entry in entries}]

        monkeypatch.setattr(ssh, "connect_all", connect)
        return typed(namespace, *words)

    return run


Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("task", ["deploy", "backup.last", "lab.up", "dev.fix"])
def test_a_dry_run_that_would_not_be_one_is_refused(
    inv: Inv, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inv("--dry", task) == 2
    assert "--dry would not keep this task from acting" in capsys.readouterr().err


def test_a_deploy_tells_its_story_and_ends_with_0(inv: Inv, capsys: Capture) -> None:
    host = SimHost()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 0
    told = capsys.readouterr().out
    for line in (
        "=== Zero-Downtime Deployment Script ===",
        "=== Step 0: Pre-deployment backup ===",
        "=== Step 1: Pulling latest code ===",
        "[INFO] Service backend updated successfully",
        "=== Deployment Complete ===",
    ):
        assert line in told
    assert host.world.boxes["backend"].release.endswith(f"-{NEW[:7]}")
    assert host.closed


def test_the_branch_can_come_from_the_environment(inv: Inv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_BRANCH", "v1.2.3")
    host = SimHost()
    assert inv("deploy", on=[host]) == 0
    assert host.world.head == NEW


def test_the_same_with_json_is_one_document_on_stdout(inv: Inv, capsys: Capture) -> None:
    assert inv("deploy", "--branch", "v1.2.3", "--json", on=[SimHost()]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert "Deployment Complete" in err


@pytest.mark.parametrize(
    ("host", "code"),
    [
        (SimHost(fault=Fault(1, 1)), 3),
        (SimHost(world=replace(fresh(), sick=("backend",))), 4),
        (SimHost(fault=Fault(60, 1, lasts=True)), 5),
        (SimHost(world=replace(fresh(), held_by=BOB)), 7),
        (SimHost(fault=Fault(0, ConnectionLost)), 8),
    ],
    ids=["refused", "rolled back", "undo failed", "locked", "unreachable"],
)
def test_a_deploy_that_fails_ends_with_its_code_and_no_traceback(
    inv: Inv, capsys: Capture, host: SimHost, code: int
) -> None:
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == code
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert "Deployment Complete" not in out
    assert "\nERROR: " in err
    assert "log: " in err


@pytest.mark.parametrize("branch", ["--oops", "a b", "v1..v2", "HEAD", "-x"])
def test_what_is_no_ref_name_is_refused_before_any_host_is_asked(
    inv: Inv, capsys: Capture, branch: str
) -> None:
    never = AssertionError("a host was asked")
    assert inv("deploy", f"--branch={branch}", error=never) == 2
    assert f"{branch!r} is no name of a branch, tag or commit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (HostKeyChanged("the key of app1 changed", hint="Ask."), 8, "the key of app1 changed"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (ZeroDivisionError("division by zero"), 5, "Unexpected ZeroDivisionError"),
    ],
)
def test_whatever_ends_a_task_is_a_message_and_a_code(
    inv: Inv, capsys: Capture, error: BaseException, code: int, said: str
) -> None:
    assert inv("deploy", error=error) == code
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in out + err


def test_an_unknown_environment_is_code_2(inv: Inv, capsys: Capture) -> None:
    assert inv("verify", "--env", "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err


def test_an_unknown_host_is_code_2(inv: Inv) -> None:
    assert inv("verify", "--hosts", "app9") == 2


def test_a_finished_deploy_is_listed_and_shown(inv: Inv, capsys: Capture) -> None:
    host = SimHost(world=deployed())
    assert inv("deploy.history", on=[host]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "v1.2.3" in line and "DONE" in line and "*" in line]
    assert [line for line in lines if "ADOPTED" in line and "*" not in line]
    release = host.world.current
    assert inv("deploy.show", "--release", release, on=[host]) == 0
    told = capsys.readouterr().out
    for fact in ("ann@laptop", NEW, "backups/pre-deployment-20250115_120000", "17-AddPageCount.js"):
        assert fact in told


@pytest.mark.parametrize(
    ("wanted", "said"), [("nope", "there is no release 'nope'"), ("2025", "begins several")]
)
def test_a_release_that_is_not_one_is_code_2(inv: Inv, capsys: Capture, wanted: str, said: str) -> None:
    assert inv("deploy.show", "--release", wanted, on=[SimHost(world=deployed())]) == 2
    assert said in capsys.readouterr().err


def test_history_before_the_first_deploy_says_so(inv: Inv, capsys: Capture) -> None:
    assert inv("deploy.history", on=[SimHost()]) == 0
    assert "Nothing was deployed yet." in capsys.readouterr().out


def test_a_lock_is_ended_after_a_yes_and_not_without_one(inv: Inv, capsys: Capture) -> None:
    host = FakeHost(answers={"schedgen-lock-who": f"held {BOB}", "schedgen-unlock": ""})
    assert inv("deploy.unlock", on=[host]) == 2  # there is no terminal to ask on
    assert host.commands == []
    capsys.readouterr()
    assert inv("deploy.unlock", "--yes", on=[host]) == 0
    assert "bob@desk, deploy v1.2.2" in capsys.readouterr().out


def backups(*made: manifest.Manifest) -> FakeHost:
    lines = (f"{each.id} {manifest.to_json(each)}" for each in made)
    return FakeHost(answers={"list backups": "\n".join(lines)})


def test_the_last_backup_tells_where_it_is_and_how_to_restore_it(inv: Inv, capsys: Capture) -> None:
    older = replace(MADE, id=manifest.BackupId("manual-20250114_120000"), created="2025-01-14T12:00:00Z")
    assert inv("backup.last", on=[backups(older, MADE)]) == 0
    told = capsys.readouterr().out
    assert "/srv/schedgen/backups/pre-deployment-20250115_120000" in told
    assert "3.0 KiB" in told
    assert "gunzip -c backups/pre-deployment-20250115_120000/database.sql.gz" in told
    assert "manual-20250114_120000" not in told


def test_backups_are_listed_and_having_none_is_told(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.list", on=[backups(MADE)]) == 0
    assert MADE.id in capsys.readouterr().out
    assert inv("backup.list", on=[backups()]) == 0
    assert "No backups yet." in capsys.readouterr().out
    assert inv("backup.last", on=[backups()]) != 0
    assert "there is no good backup here" in capsys.readouterr().err


def test_a_backup_by_hand_is_made_under_the_lock(inv: Inv, capsys: Capture) -> None:
    host = SimHost()
    assert inv("backup", on=[host]) == 0
    assert [name.split("/")[0] for name in host.world.backups] == ["backups"]
    assert "manual-" in capsys.readouterr().out
    assert all(hold.closed for hold in host.holds)
    assert inv("backup", on=[SimHost(world=replace(fresh(), held_by=BOB))]) == 7


def test_a_check_that_fails_is_code_6_and_named(inv: Inv, capsys: Capture) -> None:
    assert inv("verify.quick", on=[SimHost()]) == 0
    assert "passed" in capsys.readouterr().out
    assert inv("verify.quick", on=[SimHost(world=replace(fresh(), status="500"))]) == 6
    out, err = capsys.readouterr()
    assert "answered 500" in out
    assert "4 of 12 checks did not pass" in err


def watched(status: int, rounds: int) -> FakeHost:
    names = settings("a")
    containers = "".join(
        f"container\t{name}\t/{name}\t{name}\t-\trunning\t-\t0\tfalse\t2025\t-\n" for name in names.services
    )
    answers = "".join(f"http\t{number}\t{status} 0.1 \n" for number in range(4))
    said = f"{answers}containers\n{containers}"
    lines = (f"round\t{n}\t{n}0000000\n{said}end\t{n}\t9\n" for n in range(1, rounds + 1))
    return FakeHost(answers={"watch": "".join(lines)})


def test_a_watch_shows_its_progress_and_gives_a_verdict(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    assert inv("verify.extended", "--duration", "30", on=[watched(200, 3)]) == 0
    told = capsys.readouterr().out
    assert "Progress: 20s / 30s | Checks: 2 | Failures: 0 (0.00%) | Consecutive: 0 | Remaining: 10s" in told
    assert "Verification Complete" in told
    (page,) = tmp_path.glob("state/schedgen/staging/verify-*.html")
    assert f"Report: {page}" in told
    assert page.stat().st_mode & 0o777 == 0o600
    assert inv("verify.extended", "--duration", "30", on=[watched(500, 3)]) == 6
    assert "3 consecutive checks failed (limit 3)" in capsys.readouterr().err
    assert inv("verify.extended", "--duration=-5", on=[watched(200, 1)]) == 2


def test_a_watch_that_saw_nothing_is_not_passed(inv: Inv, capsys: Capture) -> None:
    assert inv("verify.extended", "--duration", "30", on=[FakeHost(answers={"watch": "garbage\n"})]) == 6
    assert "no round could be judged" in capsys.readouterr().err
