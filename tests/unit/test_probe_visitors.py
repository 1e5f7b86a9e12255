"""What visitors noticed is what the ingress counted from one end of a run to the other, or unknown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from deploying import SECOND, deploy, deployed, messages
from engine_stub import PROXY
from fakes import FakeHold, FakeHost
from hypothesis import given
from hypothesis import strategies as st
from kit import RECORDED, path, program, settings
from simulated import SimHost

from schedgen_ops.events import Fact, silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.probe import remote_commands
from schedgen_ops.probe.report import Phase, ProbeReport
from schedgen_ops.probe.run import probing
from schedgen_ops.probe.visitors import Visitors, merged, parse, reckon
from schedgen_ops.shell import Command

ID = "b0d7773320c5" + "a" * 52
PHASES = (Phase("before", 3, 0, 0.01, 0.02),)


def line(when: str, *numbers: int, container: str = ID, pid: int = 8, born: int = 1000) -> str:
    return " ".join(map(str, ("visitors", when, container, pid, born, *numbers)))


NOTHING = line("start", 0, 0, 0, 0, 0)
LAST = line("end", 4, 0, 0, 0, 0)


# The script, on what a HAProxy said after good answers, 500, one that broke off, and its own 502


def said(folder: Path, docker: str, words: str = "") -> list[str]:
    program(folder / "bin", "docker", docker)
    command = remote_commands.probe((), silence=20, pause=1, patience=1, proxy=PROXY, project="p")
    run = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
    env = {"PATH": path(folder / "bin"), "LC_ALL": "C.UTF-8", "SAID": str(RECORDED)}
    process = subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.stdin.write(words)
        process.stdin.close()
        lines += process.stdout.readlines()
    return [line.rstrip("\n") for line in lines]


DOCKER = f"""
case $1 in
  ps) [[ "$*" == *project=p\\ *service=schedgen-ingress* ]] && echo {ID} ;;
  exec) cat "$SAID/haproxy-counters.txt"; echo over ;;
esac"""


def test_the_counters_of_the_ingress_are_read_at_both_ends(tmp_path: Path) -> None:
    lines = said(tmp_path, DOCKER, "count\n")
    assert [text.split()[1] for text in lines[1:]] == ["start", "end"]
    end = parse(lines)["end"]
    assert not isinstance(end, str)
    assert (end.container, end.pid) == (ID, 8)
    assert reckon("app1", [line("start", 0, 0, 0, 0, 0, born=end.born), lines[-1]]) == Visitors("app1", 7, 3)


RECORD = (RECORDED / "haproxy-counters.txt").read_text()
TABLE, STATS = RECORD[RECORD.index("# table") : RECORD.index("# pxname")], RECORD[RECORD.index("web_80,") :]
BY_NAME = RECORD.replace("web_80", "web:80")
BOTH = RECORD.replace(TABLE, TABLE + TABLE.replace("web_80", "web:80")) + STATS.replace("web_80", "web:80")


@pytest.mark.parametrize("text", [RECORD, BOTH, BY_NAME], ids=["at ports", "at both", "by name alone"])
def test_who_came_in_at_a_port_is_not_counted_once_more_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "text").write_text(text)
    lines = said(tmp_path, DOCKER.replace("$SAID/haproxy-counters.txt", str(tmp_path / "text")), "count\n")
    end = parse(lines)["end"]
    assert not isinstance(end, str)
    came = reckon("app1", [line("start", 0, 0, 0, 0, 0, born=end.born), lines[-1]])
    assert came == Visitors("app1", 7, 3)


@pytest.mark.parametrize(
    ("docker", "word"),
    [
        ("exit 1", "unknown"),
        ("exit 0", "none"),
        (DOCKER.replace("; echo over", ""), "unknown"),
        (DOCKER.replace("cat ", "head -n 20 "), "unknown"),
        (DOCKER.replace('cat "$SAID/haproxy-counters.txt"', "echo no"), "unknown"),
    ],
    ids=["no engine", "no ingress", "cut off", "cut off in the middle", "no such answer"],
)
def test_what_cannot_be_read_is_unknown(tmp_path: Path, docker: str, word: str) -> None:
    assert said(tmp_path, docker)[1] == f"visitors start {word}"


# Reckoned

COUNTS = st.lists(st.integers(0, 2**40), min_size=5, max_size=5)


@given(COUNTS, COUNTS)
def test_only_what_came_during_the_run_counts(before: list[int], more: list[int]) -> None:
    after = [a + b for a, b in zip(before, more, strict=True)]
    found = reckon("app1", [line("start", *before), line("end", *after)])
    answers, errors, everything, served, broken = more
    made = max(0, everything - served)
    assert found == Visitors("app1", answers + made, errors + made + broken)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "could not be read"),
        ([NOTHING], "could not be read"),
        (["visitors start none", "visitors end none"], "no ingress"),
        ([NOTHING, "visitors end none"], "was gone"),
        (["visitors start unknown", line("end", 9, 0, 0, 0, 0)], "at the start"),
        (["visitors start none", line("end", 9, 0, 0, 0, 0)], "came during the run"),
        ([NOTHING, line("end", 9, 0, 0, 0, 0, pid=9)], "replaced or reloaded"),
        ([NOTHING, line("end", 9, 0, 0, 0, 0, container="c" * 64)], "replaced or reloaded"),
        ([NOTHING, line("end", 9, 0, 0, 0, 0, born=1010)], "replaced or reloaded"),
        ([line("start", 10, 0, 0, 0, 0), line("end", 9, 0, 0, 0, 0)], "replaced or reloaded"),
        ([NOTHING, "visitors end 12"], "could not be read"),
    ],
)
def test_what_was_not_counted_from_end_to_end_is_unknown(lines: list[str], why: str) -> None:
    found = reckon("app1", lines)
    assert why in found.unknown
    assert not found.clean
    assert found.failed == 0
    assert found.requests in (0, 9)


def test_what_our_own_prober_was_refused_is_no_failure_of_a_visitor() -> None:
    lines = [NOTHING, line("end", 5, 0, 4, 0, 0)]
    assert reckon("app1", lines, ours=4) == Visitors("app1", 5, 0)
    assert reckon("app1", lines, ours=1) == Visitors("app1", 8, 3)


def test_one_host_that_is_unknown_makes_all_unknown() -> None:
    found = merged((Visitors("a", 5, 1), Visitors("b", 2, 0, "there is no ingress")))
    assert found == Visitors("", 7, 1, "b: there is no ingress")
    assert (
        found.sentence()
        == "Visitors: 7 requests at the ingress, 1 failed; not all were counted: " + found.unknown
    )


# Told


@pytest.mark.parametrize(
    ("visitors", "zero", "sentence"),
    [
        (Visitors("", 9), True, "Visitors: 9 requests at the ingress, none failed"),
        (Visitors("", 2891, 2891), False, "Visitors: 2891 requests at the ingress, 2891 failed"),
        (Visitors("", unknown="no one"), False, "Visitors were not counted: no one"),
        (
            Visitors("", 9, 0, "reloaded"),
            False,
            "9 requests at the ingress, none failed; not all were counted: rel",
        ),
    ],
)
def test_the_proof_is_prober_and_visitors(visitors: Visitors, zero: bool, sentence: str) -> None:
    found = ProbeReport(3, 0, 0.0, PHASES, visitors=visitors)
    assert found.zero_downtime is zero
    assert ("Zero downtime" in found.sentence()) is zero
    assert sentence in visitors.sentence()
    assert found.trouble is bool(visitors.failed)


GOOD = "1000000 0 200 0.010\n"


def seen(*lines: str) -> ProbeReport:
    host = FakeHost("app1", {"probe": "\n".join(("probing", GOOD.strip(), *lines))})
    with probing(Fleet([host]), settings("app1"), silence) as prober:
        return prober.stop()


def test_a_run_asks_for_the_counters_at_its_end_and_waits_for_them() -> None:
    asked: list[str] = []

    class Answering(FakeHold):
        def __init__(self, said: str, on_line: Callable[[str], None] | None) -> None:
            super().__init__(said, on_line)
            self.hear = on_line or asked.append

        def send(self, line: str) -> None:
            asked.append(line)
            self.hear(LAST)

    class Host(FakeHost):
        def hold(
            self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
        ) -> FakeHold:
            return Answering(f"probing\n{GOOD}{NOTHING}\n", on_line)

    with probing(Fleet([Host("app1")]), settings("app1"), silence) as prober:
        assert prober.stop().visitors == Visitors("", 4)
    assert asked == ["count"]


def test_a_prober_that_tells_nothing_of_visitors_is_not_waited_for() -> None:
    found = seen()
    assert found.visitors is not None
    assert found.visitors.unknown
    assert not found.zero_downtime


def told(*lines: str) -> tuple[list[str], list[str], dict[str, object]]:
    """What a deploy says, warns and keeps when the ingress counted this."""
    world = deployed()
    host = SimHost(world=replace(world, probed="\n".join((GOOD.strip(), *lines))))
    outcome = deploy(host, branch="v1.2.4", run=SECOND)
    (fact,) = [event for event in outcome.events if isinstance(event, Fact) and event.name == "probe"]
    assert outcome.code == 0
    return messages(outcome), messages(outcome, "warn"), fact.value


def test_a_deploy_whose_visitors_failed_does_not_say_zero_downtime() -> None:
    infos, warnings, fact = told(NOTHING, line("end", 9000, 2891, 2891, 2891, 0))
    assert not [text for text in infos if "Zero downtime" in text]
    assert "None of our own 1 requests failed during the run" in warnings
    assert "Visitors: 9000 requests at the ingress, 2891 failed" in warnings
    assert fact["visitors"] == {"host": "", "requests": 9000, "failed": 2891, "unknown": ""}


def test_a_deploy_whose_visitors_were_not_counted_says_so() -> None:
    infos, _, fact = told("visitors start none", "visitors end none")
    assert not [text for text in infos if "Zero downtime" in text]
    assert "Visitors were not counted: there is no ingress" in infos
    assert fact["visitors"]
