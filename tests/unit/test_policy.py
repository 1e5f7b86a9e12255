"""What an environment asks before a deploy, as an operator meets it, on simulated hosts."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import typed
from deploying import deployed
from fakes import FakeHost, result
from kit import written
from simulated import SimHost
from simulated_world import NEW, NEXT, fresh

from schedgen_ops import host as ssh
from schedgen_ops.errors import Unreachable
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command
from schedgen_ops.tasks import namespace

ALWAYS = {"dates": "2020-01-01..2099-12-31", "why": "nothing is deployed any more"}
Capture = pytest.CaptureFixture[str]
Inv = Callable[..., int]


class Approved(SimHost):
    """A host on which approvals lie; it keeps those that are left there."""

    def __init__(self, *approvals: dict[str, str]) -> None:
        super().__init__()
        self.approvals = [json.dumps(each) for each in approvals]

    def _answer(self, command: Command) -> Result:
        if command.script == "policy/approvals":
            return result("\n".join(self.approvals))
        if "/approvals/" in command.title:
            self.approvals.append(str(command.stdin))
            return result()
        return super()._answer(command)


def approval(by: str, commit: str = NEW) -> dict[str, str]:
    return {"commit": commit, "by": by, "at": "2025-01-15T12:00:00Z", "code": "1a2b3c4d"}


@pytest.fixture
def inv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inv:
    """Runs a task in an environment with that policy; `elsewhere` are the hosts of staging."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHEDGEN_STATE", str(tmp_path / "state"))
    for name in ("GIT_BRANCH", "SCHEDGEN_ENV", "SCHEDGEN_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: str, policy: Any, on: FakeHost, elsewhere: Sequence[FakeHost] = ()) -> int:
        config = tmp_path / "config"
        config.mkdir(exist_ok=True)
        hosts = [{"name": "app1", "address": "app1.example"}]
        (config / "production.yaml").write_text(written(hosts=hosts, policy=policy))
        names = [{"name": host.name, "address": "stage.example"} for host in elsewhere]
        (config / "staging.yaml").write_text(written(hosts=names or hosts))

        def connect(settings: Settings, entries: Sequence[HostSettings], *, prompt: Any) -> list[Any]:
            return [on] if settings.environment == "production" else list(elsewhere)

        monkeypatch.setattr(ssh, "connect_all", connect)
        return typed(namespace, *words)

    return run


def test_in_a_frozen_time_nothing_is_asked_of_a_host(inv: Inv, capsys: Capture) -> None:
    host = SimHost()
    assert inv("deploy", "--branch", "v1.2.3", policy={"freeze": [ALWAYS]}, on=host) == 3
    assert host.asked == []
    told = capsys.readouterr().err
    assert "nothing is deployed any more" in told
    assert "--force" in told


def test_a_reason_goes_before_a_freeze_and_is_in_the_journal(
    inv: Inv, capsys: Capture, tmp_path: Path
) -> None:
    words = ("deploy", "--branch", "v1.2.3", "--force", 'the site is down: "all" of it')
    assert inv(*words, policy={"freeze": [ALWAYS]}, on=SimHost()) == 0
    assert "forced: the site is down" in capsys.readouterr().out
    (journal,) = (tmp_path / "state").rglob("*.jsonl")
    assert 'the site is down: \\"all\\" of it' in journal.read_text()


@pytest.mark.parametrize("policy", [{"freeze": [ALWAYS]}, {"branches": ["main"]}])
def test_a_refusal_calls_the_hook_of_a_failure(inv: Inv, tmp_path: Path, policy: dict[str, Any]) -> None:
    (tmp_path / "config/hooks").mkdir(parents=True)
    hook = tmp_path / "config/hooks/on-failure"
    hook.write_text(f"#!/bin/sh\ncat > {tmp_path}/told\n")
    hook.chmod(0o755)
    assert inv("deploy", "--branch", "v1.2.3", policy=policy, on=SimHost()) == 3
    assert json.loads((tmp_path / "told").read_text())["code"] == 3


def test_a_reason_of_blanks_is_none(inv: Inv) -> None:
    words = ("deploy", "--branch", "v1.2.3", "--force", "  ")
    assert inv(*words, policy={"freeze": [ALWAYS]}, on=SimHost()) == 3


def test_a_branch_that_is_not_for_here_is_refused_by_name(inv: Inv, capsys: Capture) -> None:
    host = SimHost()
    assert inv("deploy", "--branch", "feature/x", policy={"branches": ["v*", "main"]}, on=host) == 3
    assert host.asked == []
    assert "'feature/x' may not be deployed here, only v*, main" in capsys.readouterr().err


def test_what_was_verified_in_staging_is_deployed(inv: Inv) -> None:
    stage = SimHost("stage1", world=deployed())
    policy = {"after": "staging"}
    assert inv("deploy", "--branch", "v1.2.3", policy=policy, on=SimHost(), elsewhere=[stage]) == 0


def test_what_was_not_verified_in_staging_is_refused_unless_there_is_a_reason(
    inv: Inv, capsys: Capture
) -> None:
    stages, host = [SimHost("stage1", world=deployed()), SimHost("stage2", world=fresh())], SimHost()
    policy = {"after": "staging"}
    assert inv("deploy", "--branch", "v1.2.3", policy=policy, on=host, elsewhere=stages) == 3
    assert "was not verified in staging yet: stage2" in capsys.readouterr().err
    assert host.world.changed == []
    words = ("deploy", "--branch", "v1.2.3", "--force", "staging burns")
    assert inv(*words, policy=policy, on=host, elsewhere=stages) == 0


def test_what_was_forced_is_told_once_and_journaled(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    stage, policy = FakeHost("stage1"), {"after": "staging", "freeze": [ALWAYS]}
    words = ("deploy", "--branch", "v1.2.3", "--force", "staging burns")
    assert inv(*words, policy=policy, on=SimHost(), elsewhere=[stage]) == 0
    assert stage.commands == []
    shown = "".join(capsys.readouterr())
    (journal,) = (tmp_path / "state").rglob("*.jsonl")
    text = "staging was not asked whether v1.2.3 was verified there; forced: staging burns"
    for told in (shown, journal.read_text()):
        assert told.count(text) == 1
        assert told.count("nothing is deployed any more; forced: staging burns") == 1


def test_a_staging_that_does_not_answer_is_no_pass(inv: Inv, capsys: Capture) -> None:
    stage, host = FakeHost("stage1", {"read the releases": Unreachable("no route", host="stage1")}), SimHost()
    policy = {"after": "staging"}
    assert inv("deploy", "--branch", "v1.2.3", policy=policy, on=host, elsewhere=[stage]) == 8
    assert "was verified in staging: no route" in capsys.readouterr().err
    assert host.world.changed == []


def test_without_another_persons_approval_nothing_is_changed(inv: Inv, capsys: Capture) -> None:
    host = Approved(approval(f"{getpass.getuser()}@desk"), approval("bob@desk", commit="0" * 40))
    assert inv("deploy", "--branch", "v1.2.3", policy={"approvals": 1}, on=host) == 3
    assert "it needs 1 approval of others, and has none" in capsys.readouterr().err
    assert host.world.changed == []
    # A reason is no second person.
    words = ("deploy", "--branch", "v1.2.3", "--force", "no time")
    assert inv(*words, policy={"approvals": 1}, on=host) == 3


def test_another_persons_approval_is_enough_and_told(inv: Inv, capsys: Capture) -> None:
    host = Approved(approval("bob@desk"))
    assert inv("deploy", "--branch", "v1.2.3", policy={"approvals": 1}, on=host) == 0
    assert "Approved by bob@desk (code 1a2b3c4d)" in capsys.readouterr().out


class Unready(Approved):
    """A host that is not ready: its git is locked."""

    def _answer(self, command: Command) -> Result:
        if command.title == "look at git":
            return result("lock 120 .git/index.lock\n")
        return super()._answer(command)


@pytest.mark.parametrize(
    ("policy", "mark"), [({"approvals": 1}, "unknown"), ({"branches": ["v*"]}, "passed")]
)
def test_the_checklist_passes_no_policy_that_it_could_not_ask(
    inv: Inv, capsys: Capture, policy: Any, mark: str
) -> None:
    assert inv("deploy.preflight", "--branch", "v1.2.3", policy=policy, on=Unready()) == 3
    (line,) = (one for one in capsys.readouterr().out.splitlines() if "It may be deployed" in one)
    assert line.split()[0] == mark


def test_who_approves_leaves_the_commit_that_the_name_is_now(inv: Inv, capsys: Capture) -> None:
    host = Approved()
    assert inv("deploy.approve", "--branch", "v1.2.3", "--yes", policy={"approvals": 1}, on=host) == 0
    (left,) = map(json.loads, host.approvals)
    assert left["commit"] == NEW
    assert left["code"] in capsys.readouterr().out


def test_a_part_of_an_id_is_not_approved(inv: Inv) -> None:
    host = Approved()
    assert inv("deploy.approve", "--branch", NEW[:9], "--yes", policy={}, on=host) == 2
    assert inv("deploy.approve", "--branch", "nothing", "--yes", policy={}, on=host) == 3
    assert host.approvals == []


def test_a_host_with_an_older_config_asks_for_nothing(inv: Inv) -> None:
    host = SimHost(world=replace(fresh()))
    assert inv("deploy", "--branch", "v1.2.3", policy={}, on=host) == 0
    assert not any("approvals" in each for each in host.asked)


class Moving(SimHost):
    """A host whose git remote gets another commit once it was looked at."""

    def _answer(self, command: Command) -> Result:
        if command.title.startswith("resolve "):
            return result(NEXT + "\n")
        return super()._answer(command)


def test_a_branch_that_moved_on_since_it_was_looked_at_is_not_deployed(inv: Inv, capsys: Capture) -> None:
    host = Moving()
    assert inv("deploy", "--branch", "v1.2.3", policy={}, on=host) == 4
    assert "moved on meanwhile" in capsys.readouterr().err
