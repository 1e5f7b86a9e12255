"""What a host has to be before anything is deployed on it: the script by running it, the judge, the task."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import test_looking
import test_tasks
from fakes import FakeHost, result
from kit import bash, git, minimal, path, program
from test_tasks import Capture, Inv

from schedgen_ops.checklist.boxes import Mark, Tick
from schedgen_ops.errors import (
    CommandFailed,
    HostKeyChanged,
    KeyRefused,
    OpsError,
    UnknownHostKey,
    Unreachable,
)
from schedgen_ops.provision import facts, findings
from schedgen_ops.settings import Settings

inv = test_tasks.inv
environment = test_looking.environment

NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)
GOOD = {
    "user": "deploy",
    "uid": "1000",
    "groups": "deploy docker",
    "sudo": "no",
    "os": "debian",
    "os-name": "Debian GNU/Linux 12 (bookworm)",
    "machine": "x86_64",
    "clock": f"{NOW.timestamp():.0f}",
    "missing": "",
    "engine": "20.10.24",
    "compose": "2.26.1",
    "directory": "there",
    "clone": "/srv/app",
    "env": "600",
    "free": str(50 * 1024**2),
    "end": "1",
}
DOCKER = """case $1 in
version) echo 20.10.24 ;;
compose) echo 2.26.1 ;;
esac"""


def said(**changes: str | None) -> str:
    """A host's answer; None leaves a line out."""
    lines = GOOD | {key.replace("_", "-"): value for key, value in changes.items()}
    return "".join(f"{key}\t{value}\n" for key, value in lines.items() if value is not None)


def judged(**changes: str | None) -> dict[str, Tick]:
    known = minimal(credentials=["PASSWORD"])
    found = findings.ticks(known, facts.parse(said(**changes)), NOW, NOW)
    return {tick.box.title: tick for tick in found}


def asked(folder: Path, docker: str = DOCKER, env_file: str = ".env") -> facts.Facts:
    """What the script tells of this machine, with a docker of the test's own."""
    programs = folder / "bin"
    programs.mkdir()
    program(programs, "docker", docker)
    settings = minimal(directory=str(folder / "project"), env_file=env_file)
    answer = bash(facts.ask(settings), folder, PATH=path(programs))
    assert answer.ok, answer.stderr
    return facts.parse(answer.stdout)


def test_a_host_tells_what_it_has(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    (project / ".env").touch(0o640)
    (project / ".env").chmod(0o640)
    found = asked(tmp_path)
    assert (found.engine, found.compose) == ("20.10.24", "2.26.1")
    assert (found.directory, found.top, found.env) == ("there", str(project), "640")
    assert found.root == (os.getuid() == 0)
    assert found.system
    assert found.free
    assert not set(found.missing) - {"curl"}


def test_a_folder_that_is_not_there_is_no_error_and_room_is_told_of_where_it_would_be(tmp_path: Path) -> None:
    found = asked(tmp_path)
    assert (found.directory, found.top, found.env) == ("missing", "", "")
    assert found.free


def test_a_file_in_its_place_and_a_folder_without_git_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "project").touch()
    assert asked(tmp_path).directory == "no folder"
    (tmp_path / "second/project").mkdir(parents=True)
    found = asked(tmp_path / "second")
    assert (found.directory, found.top, found.env) == ("there", "", "missing")
    assert "not a git repository" in found.clone_error


def test_what_docker_says_becomes_no_line_of_its_own_and_has_an_end(tmp_path: Path) -> None:
    found = asked(tmp_path, "printf 'bad\\nuser\\troot\\033[2J\\n'; yes; exit 1")
    assert found.user != "root\x1b[2J"
    assert found.engine == ""
    assert found.engine_error.startswith("bad user root")
    assert len(found.engine_error) == 300


def test_a_docker_that_does_not_answer_says_why(tmp_path: Path) -> None:
    found = asked(tmp_path, "echo 'permission denied while trying to connect' >&2; exit 1")
    assert found.engine_error == "permission denied while trying to connect"


@pytest.mark.parametrize("answer", ["", "user\tdeploy\n", said(end=None), said(clock="soon"), said(uid=None)])
def test_half_an_answer_is_none(answer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        facts.parse(answer)


def test_a_good_host_passes_every_box() -> None:
    found = judged()
    assert {tick.mark for tick in found.values()} == {Mark.PASSED}
    assert found["Docker Engine"].text == "20.10.24, deploy is in the group docker"
    assert found["System"].text == "Debian GNU/Linux 12 (bookworm), x86_64"


@pytest.mark.parametrize(
    ("changes", "title", "mark", "text"),
    [
        ({"missing": "git tar"}, "Tools", "failed", "missing: git tar"),
        ({"missing": "curl"}, "Tools", "warning", "without curl: HTTP is spoken by bash, and has no TLS"),
        ({"engine": None, "engine_error": "none"}, "Docker Engine", "failed", "Docker is not installed"),
        (
            {"engine": None, "engine_error": "permission denied"},
            "Docker Engine",
            "failed",
            "Docker refuses this user",
        ),
        ({"engine": "19.03.8"}, "Docker Engine", "warning", "19.03.8 is older than 20.10"),
        ({"engine": "new"}, "Docker Engine", "unknown", "its version is not known"),
        ({"compose": "2.17.3"}, "Docker Compose", "failed", "Docker Compose is 2.17.3, and 2.18 is needed"),
        (
            {"compose": None, "compose_error": "docker: 'compose' is not a docker command."},
            "Docker Compose",
            "failed",
            "the Docker Compose plugin is missing",
        ),
        ({"directory": "missing"}, "Directory", "failed", "no project directory"),
        ({"directory": "closed"}, "Directory", "failed", "deploy may not work in"),
        ({"directory": "no folder"}, "Directory", "failed", "is no folder"),
        ({"clone": None, "clone_error": "dubious ownership"}, "Clone", "failed", "dubious ownership"),
        ({"env": "missing"}, "Credentials", "failed", ".env is missing"),
        ({"env": "644"}, "Credentials", "warning", ".env has the mode 644"),
        ({"free": "1048576"}, "Disk", "failed", "1.0 GB are free, 10 GB are needed"),
        ({"free": ""}, "Disk", "unknown", "free disk space is not known"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(
    changes: dict[str, str | None], title: str, mark: str, text: str
) -> None:
    tick = judged(**changes)[title]
    assert tick.mark.value == mark
    assert text in tick.text


def test_an_env_file_that_is_delivered_need_not_be_there() -> None:
    def credentials(env: str, *names: str) -> tuple[Mark, str]:
        known = minimal(
            credentials=list(names), secrets={"PASSWORD": ["op", "read"]}, variables={"MODE": "x"}
        )
        ticks = findings.ticks(known, facts.parse(said(env=env)), NOW, NOW)
        tick = next(tick for tick in ticks if tick.box.title == "Credentials")
        return tick.mark, tick.text

    assert credentials("missing", "PASSWORD") == (Mark.PASSED, ".env comes with the release")
    assert credentials("missing", "PASSWORD", "MODE") == (Mark.PASSED, ".env comes with the release")
    assert credentials("missing", "PASSWORD", "TOKEN") == (
        Mark.WARNING,
        ".env comes with the release, without TOKEN",
    )
    assert credentials("600", "PASSWORD") == (Mark.PASSED, ".env, mode 600")


def test_what_was_not_looked_at_has_not_passed() -> None:
    found = judged(directory="missing", clone=None, env=None, engine=None, engine_error="none")
    for title in ("Clone", "Credentials", "Docker Compose"):
        assert (found[title].mark, found[title].text) == (Mark.UNKNOWN, "not looked at")


def test_a_clock_that_is_wrong_is_a_warning() -> None:
    late = facts.parse(said())
    found = findings.ticks(minimal(), late, NOW + timedelta(minutes=2), NOW + timedelta(minutes=2))
    assert found[-1].mark is Mark.WARNING
    assert "119 s behind" in found[-1].text


@pytest.mark.parametrize(
    ("error", "failed", "passed"),
    [
        (Unreachable("app1 cannot be reached"), "Reachable", []),
        (UnknownHostKey("in no known_hosts file"), "Host key", ["Reachable"]),
        (HostKeyChanged("not the one in known_hosts:1"), "Host key", ["Reachable"]),
        (KeyRefused("it accepts none"), "Login", ["Reachable", "Host key"]),
        (CommandFailed("bash: not found", code=127), "Tools", ["Reachable", "Host key", "Login"]),
    ],
)
def test_a_host_that_cannot_be_asked_says_how_far_one_gets(
    error: OpsError, failed: str, passed: list[str]
) -> None:
    found = findings.without(error)
    assert [tick.box.title for tick in found if tick.mark is Mark.FAILED] == [failed]
    assert [tick.box.title for tick in found if tick.mark is Mark.PASSED] == passed
    assert len(found) == len(judged())


def test_a_bare_host_and_one_that_is_gone_hide_no_other(
    inv: Inv, capsys: Capture, environment: Settings
) -> None:
    bare = said(engine=None, engine_error="none\x1b[31m", directory="missing", clone=None, env=None)
    hosts = [FakeHost("app1", {"look at the host": result(bare)}), test_looking.second(environment)]
    assert inv("hosts.check", "--json", on=hosts) == 8
    document = json.loads(capsys.readouterr().out)
    marks = {(row["host"], row["box"]): row["mark"] for row in document["result"]}
    assert marks["app1", "Docker Engine"] == marks["app1", "Directory"] == "failed"
    assert (marks["app1", "Login"], marks["app1", "Clone"]) == ("passed", "unknown")
    assert (marks["app2", "Reachable"], marks["app2", "Tools"]) == ("failed", "unknown")
    assert len(hosts[0].commands) == 1
    assert inv("hosts.check", on=hosts[:1]) == 3
    assert "\x1b" not in capsys.readouterr().out


def test_a_good_host_ends_with_0_and_one_that_says_nothing_does_not(inv: Inv, capsys: Capture) -> None:
    clock = f"{datetime.now(UTC).timestamp():.0f}"
    good = said(clock=clock)
    assert inv("hosts.check", on=[FakeHost("app1", {"look at the host": result(good)})]) == 0
    assert "app1  Docker Engine  " in capsys.readouterr().out
    assert inv("hosts.check", on=[FakeHost("app1", {"look at the host": result("user\tx\n")})]) == 3
    assert "did not tell all of itself" in capsys.readouterr().out
