"""The examples of docs/library.md, run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import command_line
import pytest
from fakes import FakeHost, result
from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import call, task
from kit import DIRECTORY, written
from simulated import SimHost
from simulated_world import fresh

import schedgen_ops
from schedgen_ops import host as ssh
from schedgen_ops import tasks
from schedgen_ops.deploy import own as steps
from schedgen_ops.errors import ConnectionLost
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command
from schedgen_ops.ui import listening
from schedgen_ops.verify import own

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs/library.md"
CONFIG = f"""project: schedgen
directory: {DIRECTORY}
hosts:
  - {{name: app1, address: app1.example}}
  - {{name: app2, address: app2.example}}
"""
OPENSSL = re.compile(r"\Aopenssl x509 -checkend 1209600 -noout -in /\S+/tls/site\.pem\Z")

Inv = Callable[..., int]
EXAMPLES = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
TASKS, STEP, CHECK, LISTENER = EXAMPLES


def run(source: str) -> dict[str, Any]:
    """Run a tasks.py and return what it defines."""
    names: dict[str, Any] = {"__name__": "tasks"}
    exec(compile(source, "tasks.py", "exec"), names)
    return names


@pytest.fixture
def inv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inv:
    """Run a task of the product, or of a tasks.py that was run before, on hosts; return its exit code."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/production.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHEDGEN_STATE", str(tmp_path / "state"))
    for name in ("GIT_BRANCH", "SCHEDGEN_CONFIG", "SCHEDGEN_ENV"):
        monkeypatch.delenv(name, raising=False)
    namespace = Collection()
    for name, collection in tasks.namespace.collections.items():
        namespace.add_collection(collection, name)
    monkeypatch.setattr(tasks, "namespace", namespace)
    monkeypatch.setattr(own, "_checks", {})
    monkeypatch.setattr(steps, "_steps", [])
    monkeypatch.setattr(listening, "_listeners", [])

    def typed(*words: str, on: Sequence[FakeHost]) -> int:
        def connect(settings: Settings, entries: Sequence[HostSettings], *, prompt: Any) -> list[FakeHost]:
            return [host for host in on if host.name in {entry.name for entry in entries}]

        monkeypatch.setattr(ssh, "connect_all", connect)
        return command_line.typed(namespace, *words)

    return typed


def hosts(answers: Mapping[Any, Any], other: Mapping[Any, Any] | None = None) -> tuple[FakeHost, FakeHost]:
    """Two hosts, the second with answers of its own where there are any."""
    return FakeHost("app1", answers), FakeHost("app2", answers if other is None else other)


def df(percent: int) -> dict[Any, Any]:
    """The answer of a disk that is so full."""
    return {f"df --output=pcent -- {DIRECTORY}": f"Use%\n {percent}%\n"}


def test_a_task_runs_on_all_hosts(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    run(TASKS)
    assert inv("disk", on=hosts(df(41), df(87))) == 0
    assert capsys.readouterr().out == "Host  Used\napp1  41 %\napp2  87 %\n"


def test_it_has_its_own_options_and_the_shared_ones(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    run(TASKS)
    both = hosts(df(41), df(87))
    assert inv("disk", "--above", "80", "--json", on=both) == 0
    assert json.loads(capsys.readouterr().out)["result"] == [{"host": "app2", "percent": 87}]
    assert inv("disk", "--hosts", "app9", on=both) == 2
    assert inv("disk", "--env", "nowhere", on=both) == 2
    assert inv("--help", "disk", on=both) == 0
    shown = capsys.readouterr().out
    assert "Show how full the disk of each host is." in shown
    assert "--above=INT" in shown
    assert "--hosts=STRING" in shown


def test_an_error_of_a_host_becomes_the_exit_code(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    run(TASKS)
    assert inv("disk", on=hosts(df(41), {re.compile("df"): ConnectionLost("gone")})) == 8
    assert "gone" in capsys.readouterr().err


def test_invoke_runs_it_before_others_and_others_before_it(
    inv: Inv, capsys: pytest.CaptureFixture[str]
) -> None:
    disk, told = run(TASKS)["disk"], []

    @task(pre=[call(disk, above=80)])
    def report(_: Context) -> None:
        told.append(capsys.readouterr().out)

    @schedgen_ops.operation(pre=[report])
    def ours(op: schedgen_ops.Operation) -> None:
        told.append(f"{len(op.fleet)} hosts")

    tasks.namespace.add_task(report)
    tasks.namespace.add_task(ours)
    assert inv("ours", on=hosts(df(41), df(87))) == 0
    assert told == ["Host  Used\napp2  87 %\n", "2 hosts"]
    assert inv("ours", on=hosts(df(41), {re.compile("df"): ConnectionLost("gone")})) == 8
    assert len(told) == 2


class Timed(SimHost):
    """A simulated host with a timer: `told` has what it was told; `broken` is the word that fails."""

    told: tuple[str, ...] = ()
    broken = ""

    def _reply(self, command: Command, deadline: float) -> Result:
        word = re.search(r"systemctl --user (start|stop) import.timer", command.text)
        if not word:
            return super()._reply(command, deadline)
        self.told = (*self.told, word[1])
        return result(stderr="Failed to connect to bus", code=1) if word[1] == self.broken else result()


@pytest.fixture
def application(inv: Inv, tmp_path: Path) -> Inv:
    """Run a task on the reference application, with the steps that docs/library.md adds."""
    config = written(hosts=[{"name": "app1", "address": "app1.example"}])
    (tmp_path / "config/production.yaml").write_text(config)
    run(STEP)
    return inv


def test_a_step_stands_where_it_was_put(application: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    host = Timed()
    assert application("deploy", "--branch", "v1.2.3", on=[host]) == 0
    assert host.told == ("stop", "start")
    titles = re.findall(r"^=== (?:Step \d+: )?(.*) ===$", capsys.readouterr().out, re.MULTILINE)
    assert titles[titles.index("Pausing the nightly import") + 1] == "Ingress"
    assert titles[titles.index("Resuming the nightly import") - 1] == "Post-deployment verification"


def test_a_step_is_taken_back_with_the_deploy(application: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    host = Timed(world=replace(fresh(), sick=("backend",)))
    assert application("deploy", "--branch", "v1.2.3", on=[host]) == 4
    assert host.told == ("stop", "start")
    other = Timed()
    other.broken = "stop"
    assert application("deploy", "--branch", "v1.2.3", on=[other]) == 4
    assert other.told == ("stop", "start")
    told = capsys.readouterr().err
    assert "step:    Pausing the nightly import" in told
    assert "Failed to connect to bus" in told


def test_what_fails_after_the_verification_takes_nothing_back(application: Inv) -> None:
    host = Timed()
    host.broken = "start"
    assert application("deploy", "--branch", "v1.2.3", on=[host]) == 5
    assert host.told == ("stop", "start")
    assert host.world.current != ""


def test_a_plan_lists_the_steps(application: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    application("deploy.plan", on=[Timed()])
    told = capsys.readouterr().out
    assert "Pausing the nightly import   before Ingress" in told
    assert "Resuming the nightly import  after Post-deployment verification" in told


def test_a_step_that_has_no_place_is_refused_before_any_host_is_asked(
    application: Inv, capsys: pytest.CaptureFixture[str]
) -> None:
    schedgen_ops.step("Waving", after="The end")(lambda remote, settings: None)
    host = Timed()
    assert application("deploy", "--branch", "v1.2.3", on=[host]) == 2
    assert host.asked == []
    assert (
        "'Waving' of tasks.py belongs after The end, which this run does not have" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "place", [{}, {"before": "Ingress", "after": "Ingress"}, {"before": "Pre-flight Checks"}]
)
def test_a_step_has_one_place_under_the_lock(place: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a step is before or after another one"):
        schedgen_ops.step("Waving", **place)  # type: ignore[arg-type]


def test_a_check_in_python_is_one_of_those_that_the_config_adds(
    inv: Inv, capsys: pytest.CaptureFixture[str]
) -> None:
    run(CHECK)
    good = {OPENSSL: "Certificate will not expire\n"}
    assert inv("verify.custom", on=hosts(good)) == 0
    assert capsys.readouterr().out.count("certificate  passed") == 2
    bad = {OPENSSL: result("Certificate will expire\n", code=1)}
    assert inv("verify.custom", on=hosts(good, bad)) == 6
    assert "app2: certificate failed: Certificate will expire" in capsys.readouterr().err


def test_what_a_check_cannot_tell_is_unknown(inv: Inv, capsys: pytest.CaptureFixture[str]) -> None:
    run(CHECK)
    absent = {OPENSSL: result(stderr="bash: openssl: command not found\n", code=127)}
    assert inv("verify.custom", on=hosts(absent)) == 6
    assert "certificate unknown: bash: openssl: command not found" in capsys.readouterr().err

    @schedgen_ops.check
    def broken(remote: schedgen_ops.Remote, settings: Settings) -> schedgen_ops.Finding:
        raise ZeroDivisionError("division by zero")

    assert inv("verify.custom", on=hosts({OPENSSL: ""})) == 6
    assert "broken unknown: could not be looked at: ZeroDivisionError" in capsys.readouterr().err


def test_a_host_that_is_lost_in_a_check_is_missing(inv: Inv) -> None:
    run(CHECK)
    assert inv("verify.custom", on=hosts({OPENSSL: ConnectionLost("gone")})) == 8


@pytest.mark.parametrize("sick", [(), ("backend",)])
def test_a_listener_is_told_how_a_run_ended(
    application: Inv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sick: tuple[str, ...]
) -> None:
    run(LISTENER)
    program = tmp_path / "notify"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {tmp_path}/told\n')
    program.chmod(0o700)
    monkeypatch.setenv("NOTIFY", str(program))
    code = application("deploy", "--branch", "v1.2.3", on=[Timed(world=replace(fresh(), sick=sick))])
    (told,) = (tmp_path / "told").read_text().splitlines()
    assert told.endswith(f"(exit code {code})")
    assert told.startswith("Deployment Complete") == (code == 0)


def test_a_listener_that_fails_stops_no_run(
    application: Inv, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(LISTENER)
    monkeypatch.setenv("NOTIFY", "/nowhere/notify")
    assert application("deploy", "--branch", "v1.2.3", on=[Timed()]) == 0
    assert "[WARN] The listener notify failed (FileNotFoundError" in capsys.readouterr().err


def test_no_check_hides_another_of_its_name() -> None:
    def certificate(remote: schedgen_ops.Remote, settings: Settings) -> list[schedgen_ops.Finding]:
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "_checks", {})
        schedgen_ops.check(certificate)
        with pytest.raises(ValueError, match="there is a check 'certificate' already"):
            schedgen_ops.check(certificate)


def test_the_document_names_all_that_is_exported() -> None:
    table = "\n".join(line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`(\w+)`", re.sub(r"^(\|[^|]*)\|.*$", r"\1", table, flags=re.M))) == sorted(
        schedgen_ops.__all__
    )
    assert all(getattr(schedgen_ops, name) is not None for name in schedgen_ops.__all__)


@pytest.mark.parametrize("source", EXAMPLES, ids=["task", "step", "check", "listener"])
def test_a_tasks_file_of_ones_own_is_listed_as_quickly(tmp_path: Path, source: str) -> None:
    (tmp_path / "tasks.py").write_text(source)
    script = "import sys; import tasks; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert not {"pydantic", "rich", "fabric", "paramiko", "jinja2"} & set(done.stdout.split())
