"""Preflight: what it looks at, and how it judges what it saw."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeHost, context, result
from kit import recorded, settings
from simulated import Fault, SimHost
from simulated_world import OLD, fresh

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.errors import ConnectionLost, Refused, Unreachable
from schedgen_ops.events import Event, Message
from schedgen_ops.fleet import Fleet, FleetError
from schedgen_ops.preflight import host, plan, run
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.release.record import Release, ReleaseId, State, to_json
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings

ONE = settings("app1")
ANSWERS = {
    "directory": result(),
    "tree": result(f"{OLD}\nmain\n"),
    "git": result(),
    "engine": result("20.10.24\n"),
    "compose": result("5.6.1\n"),
    "detour": result(""),
    "buildx": result(code=1),
    "credentials": result(recorded("variables.txt")),
    "backups": result(),
    "state": result(),
    "disk": result(recorded("spaces.txt")),
    "load": result(recorded("load.txt").rsplit("\n", 3)[0] + "\n0.10 0.20 0.30 1/99 1\n2\n"),
    "owners": result(),
    "namesakes": result("schedgen\n"),
    "containers": result(recorded("containers.jsonl")),
    "releases": result("\n"),
    "maintenance": result(),
}


def problems(config: Settings = ONE, name: str = "app1", **answers: Result) -> list[Problem]:
    probes = plan.probes(config, config.host(name))
    return list(plan.judge(probes, ANSWERS | answers))


def only(config: Settings = ONE, **answers: Result) -> Problem:
    (problem,) = problems(config, "app1", **answers)
    return problem


def test_a_host_that_is_ready_has_no_problems_and_every_probe_is_answered() -> None:
    assert problems() == []
    assert list(plan.probes(ONE, ONE.hosts[0])) == list(ANSWERS)


def test_what_was_seen_is_kept() -> None:
    seen = plan.observed(dict(ANSWERS))
    assert (seen.tree.commit, seen.tree.branch) == (OLD, "main")
    assert (seen.engine, seen.compose, seen.classic) == ("20.10.24", "5.6.1", True)
    assert len(seen.containers) == 8
    assert seen.shelf.current == ""
    assert seen.free_bytes > 10 * host.GIB
    assert plan.observed({**ANSWERS, "buildx": result("v0.20")}).classic is False


def test_without_the_directory_nothing_else_is_said() -> None:
    failed = result(stderr="x", code=1)
    problem = only(directory=failed, tree=failed, credentials=failed)
    assert problem.text == "no project directory /srv/schedgen"
    assert "config/production.yaml" in problem.hint


def test_a_dirty_work_tree_is_refused_and_listed() -> None:
    lines = "".join(f"1 .M N... 100644 100644 100644 {OLD} {OLD} backend/file{n}.js\n" for n in range(12))
    problem = only(tree=result(f"{OLD}\nmain\n{lines}"))
    assert problem.refuses
    assert "   M backend/file0.js" in problem.text
    assert "... and 2 more" in problem.text
    assert "file11" not in problem.text


def test_files_that_git_does_not_know_are_only_told() -> None:
    problem = only(tree=result(f"{OLD}\nmain\n? notes.txt\n"))
    assert not problem.refuses
    assert "notes.txt" in problem.text


def test_a_folder_without_git_says_what_git_says() -> None:
    said = "warning: x\nfatal: not a git repository (or any of the parent directories): .git"
    assert "fatal: not a git repository" in only(tree=result(stderr=said, code=128)).text


@pytest.mark.parametrize(
    ("said", "sudo", "text", "hint"),
    [
        ("Got permission denied while trying to connect", False, "Docker refuses this user", "group docker"),
        ("sudo: a password is required", True, "sudo asks for a password", "sudoers"),
        ("Cannot connect to the Docker daemon", False, "Cannot connect", "inv run -- sudo -n systemctl"),
        ("", False, "exit code 1", "inv run -- sudo -n systemctl"),
    ],
)
def test_a_docker_that_does_not_answer_is_told_apart(said: str, sudo: bool, text: str, hint: str) -> None:
    problem = only(settings("app1", sudo=sudo), engine=result(stderr=said, code=1))
    assert text in problem.text
    assert hint in problem.hint


def pulling(branch: str, answer: Result) -> list[Problem]:
    probes = plan.probes(ONE, ONE.hosts[0], Ref(branch))
    return list(plan.judge(probes, ANSWERS | {"source": answer, "mounted": result()}))


def test_what_will_be_pulled_has_to_be_there_and_mean_one_thing() -> None:
    assert pulling("v1.2.3", result(f"{OLD}\trefs/tags/v1.2.3\n")) == []
    (missing,) = pulling("v1.2.33", result())
    assert (missing.text, missing.refuses) == ("origin has no branch, tag or commit 'v1.2.33'", True)
    (both,) = pulling("x", result(f"{OLD}\trefs/heads/x\n{'1' * 40}\trefs/tags/x\n"))
    assert "refs/heads/x or --branch refs/tags/x" in both.hint


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            result(
                stderr="Warning: Permanently added 'git' to known hosts.\nx: Permission denied.\n", code=128
            ),
            "x: Permission denied.",
        ),
        (result(code=124), "it took too long"),
        (result(code=128), "exit code 128"),
    ],
)
def test_a_git_remote_that_does_not_answer_is_told_with_what_it_said(answer: Result, reason: str) -> None:
    (problem,) = pulling("main", answer)
    assert problem.text == f"the git remote origin does not answer: {reason}"
    assert "`inv run -- git ls-remote origin`" in problem.hint


def test_a_missing_compose_plugin_names_its_package() -> None:
    problem = only(compose=result(stderr="docker: 'compose' is not a docker command.", code=1))
    assert "docker-compose-plugin" in problem.hint


@pytest.mark.parametrize(
    "said", ["unknown flag: --short\nSee 'docker --help'.", "unknown command: docker compose"]
)
def test_a_missing_compose_plugin_is_said_to_be_missing(said: str) -> None:
    failed = result(stderr=said, code=125)
    problem = only(compose=failed, credentials=failed)
    assert problem.text == "the Docker Compose plugin is missing"


@pytest.mark.parametrize(
    ("version", "text", "refuses"),
    [
        ("1.29.2", "Docker Compose is 1.29.2, and 2.18 is needed", True),
        ("2.17.3", "Docker Compose is 2.17.3, and 2.18 is needed", True),
        ("v2.20.2", "the oldest that was tried is 2.26", False),
        ("dev", "the version of Docker Compose is not known: it says 'dev'", False),
    ],
)
def test_an_old_compose_is_told(version: str, text: str, refuses: bool) -> None:
    problem = only(compose=result(f"{version}\n"))
    assert text in problem.text
    assert problem.refuses is refuses


@pytest.mark.parametrize("version", ["2.26.1-4", "2.40.3", "v2.29.7-desktop.1", "5.6.1"])
def test_a_compose_that_was_tried_is_taken(version: str) -> None:
    assert problems(compose=result(f"{version}\n")) == []


def variables(*names: str, alone: tuple[str, ...] | None = None, own: str = "") -> Result:
    here, rest = (
        json.dumps({"services": {"variables": {"labels": dict.fromkeys(these, "set")}}})
        for these in (names, names if alone is None else alone)
    )
    return result(f"own {own}\nhere {here}\nalone {rest}\n")


ALL = ("POSTGRES_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")


def test_what_the_shell_of_the_host_has_never_passes_for_the_file() -> None:
    only_there = only(credentials=variables(*ALL, alone=ALL[1:]))
    assert "POSTGRES_PASSWORD: set in the shell's own environment on the host and not in" in only_there.text
    emptied = only(credentials=variables(*ALL[1:], alone=ALL))
    assert emptied.text.startswith("the shell's own environment on the host has POSTGRES_PASSWORD empty")
    both = variables(*ALL, own="PATH POSTGRES_PASSWORD HOME")
    assert [only_there.refuses, emptied.refuses, only(credentials=both).refuses] == [False, True, False]
    # sudo hands the environment to nobody.
    assert problems(settings("app1", sudo=True), credentials=both) == []


def test_an_env_file_that_compose_refuses_is_told_with_its_line() -> None:
    problem = only(credentials=result("refused line 3: unterminated quoted value\n"))
    assert problem.text == "Compose does not take .env: line 3: unterminated quoted value"


def test_dockers_own_disk_counts_too() -> None:
    config = settings("app1", limits={"disk_free_gb": 100})
    disks = "project\t/srv/p\ttmpfs 209715200 0 209715200 0% /srv\n"
    docker = "docker\t/data/docker\t/dev/vda 264212084 1 71303168 1% /\n"
    images = "images\t/var/lib/containerd\t/dev/vdb 264212084 1 9 1% /var/lib/containerd\n"
    found = problems(config, disk=result(disks + docker + images))
    assert [problem.text for problem in found] == [
        "68.0 GB of disk are free, 100 GB are needed (Docker's own, /data/docker)",
        "0.0 GB of disk are free, 100 GB are needed (that of Docker's images, /var/lib/containerd)",
    ]
    unseen = only(disk=result(disks + "unknown\t/data/docker\n"))
    assert (unseen.refuses, "/data/docker" in unseen.text) == (False, True)
    assert not only(disk=result(disks)).refuses


def test_a_full_disk_of_temporary_files_is_only_told_of() -> None:
    full = "tmp\t/tmp\ttmpfs 1024 1024 0 100% /tmp\n"
    problem = only(disk=result(recorded("spaces.txt").rsplit("tmp\t", 1)[0] + full))
    assert (problem.refuses, "/tmp" in problem.text) == (False, True)


def test_credentials_that_are_not_set_are_named_never_shown() -> None:
    problem = only(credentials=variables("MINIO_ACCESS_KEY"))
    assert problem.text == ".env does not set POSTGRES_PASSWORD, MINIO_SECRET_KEY"
    assert problem.hint == "Set them in /srv/schedgen/.env."


def test_an_env_file_that_cannot_be_read_is_no_missing_credential() -> None:
    assert "cannot be read" in only(credentials=result(stderr=".env: Permission denied", code=1)).text


def test_without_credentials_to_look_for_the_env_file_may_be_missing() -> None:
    assert problems(settings("app1", credentials=[]), credentials=result(code=1)) == []


def test_folders_that_cannot_be_written_are_each_named() -> None:
    texts = [problem.text for problem in problems(backups=result(code=1), state=result(code=1))]
    assert texts == ["backups is not writable", "/srv/schedgen/.schedgen is not writable"]


def test_too_little_disk_is_refused_with_both_figures() -> None:
    config = settings("app1", limits={"disk_free_gb": 200})
    text = "72.6 GB of disk are free, 200 GB are needed (the project's, /srv/schedgen)"
    assert only(config).text == text
    assert "not known" in only(disk=result(stderr="df: no such file", code=1)).text


def test_a_busy_host_is_only_told_of() -> None:
    busy = "MemTotal: 1000 kB\nMemAvailable: 100 kB\n4.00 0 0 1/9 9\n2\n"
    found = problems(load=result(busy))
    assert [problem.text for problem in found] == [
        "memory is 90 % in use (limit 80 %)",
        "the CPU load is 200 % (limit 80 %)",
    ]
    assert not any(problem.refuses for problem in found)
    (unknown,) = problems(load=result(code=1))
    assert (unknown.text, unknown.refuses) == ("the load is not known: exit code 1", False)


def test_a_host_of_which_nothing_is_known_is_no_empty_one() -> None:
    failed = result(stderr="Error: No such container: 1", code=1)
    assert (
        only(containers=failed).text == "the project's containers are not known: Error: No such container: 1"
    )
    assert only(releases=failed).refuses
    both = problems(containers=failed, engine=result(stderr="no daemon", code=1))
    assert [problem.text for problem in both] == ["Docker does not answer: no daemon"]


@pytest.mark.parametrize("name", ["tree", "compose", "credentials", "disk", "load", "containers"])
def test_an_answer_that_nobody_can_read_is_no_pass_and_no_defect(name: str) -> None:
    probes = plan.probes(ONE, ONE.hosts[0])
    (problem,) = plan.judge(probes, ANSWERS | {name: result("\x00 {]\n")})
    assert "cannot be read" in problem.text or "not known" in problem.text
    assert problem.refuses is (name not in ("load", "compose"))


def test_a_database_that_does_not_run_cannot_be_backed_up() -> None:
    lines = [
        line for line in recorded("containers.jsonl").splitlines() if '"/schedgen-postgres-1"' not in line
    ]
    problem = only(containers=result("\n".join(lines)))
    assert "the service postgres of the project 'schedgen' is not running" in problem.text
    assert "inv ops.start postgres" in problem.hint


@pytest.mark.parametrize("branch", ["v1.2.3", ""])
def test_what_is_stopped_refuses_what_backs_it_up_and_not_what_starts_it_again(branch: str) -> None:
    boxes = result(recorded("containers.jsonl").replace('"status":"running"', '"status":"exited"'))
    probes = plan.probes(ONE, ONE.hosts[0], Ref(branch) if branch else None)
    found = plan.judge(probes, {**ANSWERS, "containers": boxes, "source": result(), "mounted": result()})
    refuses = [problem.refuses for problem in found if "is not running" in problem.text]
    assert refuses == [bool(branch)] * 2


def test_a_host_without_the_database_need_not_run_it() -> None:
    rest = ["backend", "frontend", "pdf-worker", "prometheus", "grafana"]
    web = {"name": "web", "address": "web", "services": rest}
    data = {"name": "data", "address": "data", "services": ["postgres", "minio", "redis"]}
    config = settings(web, data)
    other = result("\n".join(line for line in recorded("containers.jsonl").split("\n") if "redis" in line))
    assert problems(config, "web", containers=other) == []
    assert len(problems(config, "data", containers=other)) == 2


def test_a_host_where_nothing_runs_need_not_run_the_database_unless_something_else_is_there() -> None:
    assert problems(containers=result(""), namesakes=result("")) == []
    problem = only(containers=result(""), namesakes=result("other\nother\n"))
    assert "/srv/schedgen has those of 'other'" in problem.text
    assert problem.refuses
    assert "is not known" in only(containers=result(""), namesakes=result(stderr="no", code=1)).text
    # A release of ours serves: what it had is gone, and nobody may take that for nothing.
    served = Release(ReleaseId("20250115_120000-bbbbbbb"), "v1", "b" * 40, State.DONE)
    known = f"{served.id}\n{to_json(served)}\n"
    assert len(problems(containers=result(""), releases=result(known))) == 2


def test_records_that_cannot_be_read_are_only_told_of() -> None:
    problem = only(releases=result("r1\n\n{torn\n{}\n"))
    assert problem.text == "2 release records cannot be read and are left alone"
    assert not problem.refuses


def test_our_own_folders_do_not_make_the_work_tree_dirty() -> None:
    assert "':(exclude).schedgen' ':(exclude)backups'" in plan.probes(ONE, ONE.hosts[0])["tree"].command.text
    away = settings("app1", backup={"directory": "/var/backups"})
    assert "backups" not in plan.probes(away, away.hosts[0])["tree"].command.text


# On every host at once


def check(*hosts: FakeHost, config: Settings | None = None) -> tuple[list[Event], Any]:
    told: list[Event] = []
    chosen = config or settings(*(host.name for host in hosts))
    return told, run.check(Fleet(hosts), lambda remote: context(remote, chosen, emit=told.append))


def refusal(*hosts: FakeHost) -> Refused:
    with pytest.raises(Refused) as caught:
        check(*hosts)
    return caught.value


def test_hosts_that_are_ready_are_seen_as_they_are_in_one_round_trip_each() -> None:
    told, seen = check(SimHost("app1"), SimHost("app2"))
    assert list(seen) == ["app1", "app2"]
    assert seen["app2"].tree.branch == "main"
    assert {event.level for event in told if isinstance(event, Message)} <= {"warn"}


def test_every_problem_of_every_host_is_told_at_once() -> None:
    hosts = [SimHost(name, fault=Fault(1, 1, lasts=True)) for name in ("app1", "app2")]
    error = refusal(*hosts)
    assert error.host == "app1, app2"
    assert error.message == "not ready, and nothing was changed"
    lines = error.detail.splitlines()
    assert "app1: Docker does not answer: a fault" in lines
    assert "app2: backups is not writable" in lines
    assert error.hint.count("inv run -- sudo -n systemctl") == 1
    assert [host.world.changed for host in hosts] == [[], []]


def test_a_single_host_is_not_named_in_every_line() -> None:
    assert (
        "backups is not writable"
        in refusal(SimHost(fault=Fault(0, 1, named="is backups writable"))).detail.splitlines()
    )


def test_a_host_that_cannot_be_reached_is_no_refusal() -> None:
    with pytest.raises(Unreachable) as caught:
        check(SimHost("app1"), SimHost("app2", fault=Fault(0, ConnectionLost)))
    assert caught.value.host == "app2"
    with pytest.raises(FleetError) as both:
        check(*(SimHost(name, fault=Fault(0, ConnectionLost)) for name in ("app1", "app2")))
    assert both.value.exit_code == 8


def test_a_warning_refuses_nothing() -> None:
    world = replace(fresh(), head=f"{OLD}", branch="main")
    world.files["/srv/schedgen/.schedgen/releases/torn/release.json"] = "{torn"
    told, seen = check(SimHost(world=world))
    assert Message("warn", "1 release records cannot be read and are left alone", "app1") in told
    assert "app1" in seen


def test_containers_of_another_work_tree_with_the_same_project_are_refused() -> None:
    problem = only(owners=result("schedgen-web-1\x1f/srv/twin\n"))
    assert "belong to another folder than /srv/schedgen: schedgen-web-1 (/srv/twin)" in problem.text
    assert problem.refuses


def test_that_visitors_are_turned_away_is_a_warning() -> None:
    problem = only(maintenance=result("visitors of all services are turned away (ann@desk)\n"))
    text = "visitors of all services are turned away (ann@desk): during the deploy too, and after it"
    assert (problem.text, problem.refuses) == (text, False)
    assert "inv ops.maintenance off" in problem.hint
