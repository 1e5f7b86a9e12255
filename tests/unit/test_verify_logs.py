"""Errors and warnings in the logs: levels, patterns, what is new."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kit import bash, path, program, settings

from schedgen_ops.commands.docker import Docker
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.settings import Logs
from schedgen_ops.verify import logs
from schedgen_ops.watch import log_lines
from schedgen_ops.watch.rules import CheckVerdict


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-25T22:39:13.358Z ERROR request failed method=GET", "error"),
        ("2026-11-25T22:39:13.358Z WARN redis reason=timeout", "warning"),
        ("2026-11-25T22:39:13.358Z INFO request errors=0 status=200 error rate", ""),
        ("2026-11-25 22:39:13.358 UTC [25] FATAL:  terminating connection", "error"),
        ("2026-11-25 22:39:13.358 UTC [25] LOG:  could not receive error data", ""),
        ('ts=2026-11-25 caller=main.go level=info msg="no error"', ""),
        ('ts=2026-11-25 caller=main.go level=warn msg="slow"', "warning"),
        ('{"level":"error","msg":"boom"}', "error"),
        ("logger=x t=2026 lvl=eror msg=oops", "error"),
        ("[WARNING] (1) : Server be_1 is DOWN", "warning"),
        ("[NOTICE] (1) : New worker; errors are logged", ""),
        ("TypeError: cannot read properties", "error"),
        ("Unhandled exception in worker", "error"),
        ("java.lang.NullPointerException: x", "error"),
        ("Traceback (most recent call last):", "error"),
        ("npm warn deprecated x", "warning"),
        ("finished with 0 errors", ""),
        ("there were no errors", ""),
        ("terror in the night", ""),
        ("", ""),
    ],
)
def test_the_level_of_a_line_is_what_it_says_itself(line: str, level: str) -> None:
    assert log_lines.level(line) == level


def answer(*lines: str, since: str = "since\t100\t250") -> str:
    return "\n".join((since, *lines))


OLD = "log\tbackend\t5\tERROR a #\tERROR a 1"
NEW = "log\tbackend\t2\tERROR b #\tERROR b 1"
WARN = "log\tredis\t9\tWARN c\tWARN c"
KNOWN = ("earlier", "known\tbackend\tERROR a #", "known\tredis\tERROR b #")


def finding(*lines: str, **values: object) -> tuple[CheckVerdict, str]:
    config = Logs.model_validate(values)
    found = logs.finding(logs.parse(answer(*lines), config), config)
    return found.verdict, found.text


def test_what_no_earlier_release_logged_is_new_and_comes_first() -> None:
    digest = logs.parse(answer(*KNOWN, OLD, WARN, NEW), Logs())
    assert [(group.example, group.new) for group in digest.groups] == [
        ("ERROR b 1", True),
        ("WARN c", True),
        ("ERROR a 1", False),
    ]
    assert digest.seconds == 250


def test_what_a_roll_out_makes_our_ingress_say_is_no_warning() -> None:
    line = "log\tschedgen-ingress\t1\t[WARNING] (#) : Server is DOWN\t[WARNING] (1) : Server is DOWN"
    alert = "log\tschedgen-ingress\t1\t[ALERT] (#) : no\t[ALERT] (1) : no"
    digest = logs.parse(answer(line, alert), Logs())
    assert [group.example for group in digest.groups] == ["[ALERT] (1) : no"]


def test_containers_of_one_service_count_together() -> None:
    digest = logs.parse(answer(OLD, OLD), Logs())
    assert [group.count for group in digest.groups] == [10]


@pytest.mark.parametrize(
    ("lines", "values", "verdict", "part"),
    [
        (
            (*KNOWN, OLD, WARN),
            {},
            CheckVerdict.PASSED,
            "5 error and 9 warning lines in 250 s, 1 new patterns",
        ),
        ((*KNOWN, OLD, NEW), {}, CheckVerdict.FAILED, "backend: 2x ERROR b 1"),
        ((*KNOWN, OLD), {"fail": "any"}, CheckVerdict.FAILED, "backend: 5x ERROR a 1"),
        ((*KNOWN, NEW), {"fail": "never"}, CheckVerdict.PASSED, "2 error"),
        ((*KNOWN, NEW), {"ignore": ("b [0-9]",)}, CheckVerdict.PASSED, "0 error and 0 warning lines"),
        ((NEW,), {}, CheckVerdict.FAILED, "no earlier release to compare with"),
        ((), {}, CheckVerdict.PASSED, "0 error and 0 warning lines in 250 s"),
    ],
)
def test_new_errors_fail(
    lines: tuple[str, ...], values: dict[str, object], verdict: CheckVerdict, part: str
) -> None:
    found = finding(*lines, **values)
    assert found[0] is verdict
    assert part in found[1]


def test_an_answer_that_broke_off_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no answer"):
        logs.parse("", Logs())


# The scripts, on this machine

SAID = 'echo "ERROR no room for job 17"; echo "ERROR no room for job 99" >&2; echo fine'
DOCKER = rf"""
case $1 in
  ps) printf '%s\x1f-\x1f%s\x1f%s\n' id1 backend False id2 redis False id3 backend True ;;
  logs) echo "$@" >> asked; for last; do :; done; [ "$last" = id2 ] || {{ {SAID}; }} ;;
esac"""


def releases(folder: Path, *names: str) -> Paths:
    for name in names:
        (folder / ".schedgen/releases" / name).mkdir(parents=True)
        (folder / ".schedgen/releases" / name / "compose.yaml").write_text("")
    (folder / ".schedgen/current").write_text(names[-1] + "\n")
    return Paths(str(folder))


def test_what_a_release_logged_is_kept_and_the_next_one_is_held_against_it(tmp_path: Path) -> None:
    paths = releases(tmp_path, "r1", "r2")
    programs = path(program(tmp_path / "bin", "docker", DOCKER).parent)
    kept = bash(logs.keep(Docker(), paths, "schedgen", ReleaseId("r1")), tmp_path, PATH=programs)
    assert kept.ok, kept.stderr
    file = tmp_path / ".schedgen/releases/r1/log-patterns"
    assert file.read_text() == "backend\tERROR no room for job #\n"
    assert file.stat().st_mode & 0o777 == 0o600
    said = bash(logs.since_deploy(Docker(), paths, "schedgen", 600), tmp_path, PATH=programs)
    digest = logs.parse(said.stdout, settings().verify.logs)
    (group,) = digest.groups
    assert (group.service, group.count, group.new, group.level) == ("backend", 2, False, "error")
    assert 0 <= digest.seconds < 60
    assert "--since" in (tmp_path / "asked").read_text()


def test_what_is_kept_aside_is_not_waited_for(tmp_path: Path) -> None:
    paths = releases(tmp_path, "r1", "r2")
    slow = path(program(tmp_path / "bin", "docker", f"sleep 1\n{DOCKER}").parent)
    begun = time.monotonic()
    kept = bash(logs.keep(Docker(), paths, "schedgen", ReleaseId("r1"), aside=True), tmp_path, PATH=slow)
    assert kept.ok, kept.stderr
    file = tmp_path / ".schedgen/releases/r1/log-patterns"
    assert not file.exists()
    while not file.exists():
        assert time.monotonic() < begun + 30
        time.sleep(0.05)
    assert file.read_text() == "backend\tERROR no room for job #\n"


def test_without_a_release_the_window_counts(tmp_path: Path) -> None:
    programs = path(program(tmp_path / "bin", "docker", DOCKER).parent)
    said = bash(logs.since_deploy(Docker(), Paths(str(tmp_path)), "schedgen", 600), tmp_path, PATH=programs)
    digest = logs.parse(said.stdout, Logs())
    assert 599 <= digest.seconds <= 610
    assert [group.new for group in digest.groups] == [None]


def test_an_engine_that_does_not_answer_is_no_log_without_errors(tmp_path: Path) -> None:
    programs = path(program(tmp_path / "bin", "docker", "echo no daemon >&2; exit 1").parent)
    assert not bash(logs.since_deploy(Docker(), Paths("/x"), "p", 600), tmp_path, PATH=programs).ok
