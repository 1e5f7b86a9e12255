"""The report that a run leaves beside its log: what it says, and that nothing about it changes the run."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import test_tasks
import yaml
from deploying import deployed
from hypothesis import given
from hypothesis import strategies as st
from kit import RECORDED
from simulated import Fault, SimHost
from simulated_world import fresh
from test_tasks import Capture, Inv

from schedgen_ops import events
from schedgen_ops.probe.report import ProbeAnswer, report
from schedgen_ops.probe.series import series
from schedgen_ops.run_report import files
from schedgen_ops.run_report.boxes import LEFT, PASSED, PERSON, UNKNOWN, summary
from schedgen_ops.run_report.page import page
from schedgen_ops.run_report.proof import proof
from schedgen_ops.run_report.team import Announced, TeamTold
from schedgen_ops.run_report.timeline import timeline
from schedgen_ops.run_report.told import told
from schedgen_ops.ui import journal

inv = test_tasks.inv
Lines = list[Mapping[str, Any]]
PHASES = ("before", "during", "after")
START = {"event": "run.started", "command": "deploy", "run": "r", "env": "lab", "hosts": ["app1", "app2"]}
EVENTS: tuple[events.Event, ...] = (
    events.RunStarted("deploy", "r", "lab", "Deploy"),
    events.StepStarted("1", "Pull"),
    events.StepFinished("1", "Pull", 1.0),
    events.StepFailed("1", "Pull", 1.0, "gone"),
    events.HostFinished("Pull", "app1", 1.0),
    events.Message("info", "there"),
    events.Progress("database", 1, 2),
    events.Fact("commit", "a"),
    events.HostMissing("app1", "gone"),
    events.RunFinished(0, "Done", 1.0),
)
EVIL = "<script>alert(1)</script>\x1b[2J & \"'"


def lines(*events: Mapping[str, Any]) -> Lines:
    return [{"t": f"2024-11-30T14:30:{at:02d}.000Z", **event} for at, event in enumerate(events)]


def recorded() -> Lines:
    """A guarded deploy as the lab had it."""
    return [json.loads(line) for line in (RECORDED / "deploy.jsonl").read_text().splitlines()]


def left(tmp_path: Path, suffix: str, command: str = "deploy") -> Path:
    (found,) = (tmp_path / "state").rglob(f"{command}-*{suffix}")
    return found


def boxes(path: Path) -> dict[str, str]:
    return {box["title"]: box["mark"] for box in json.loads(path.read_text())["checklist"]}


def test_a_deploy_leaves_a_report_for_people_and_one_for_programs(
    inv: Inv, capsys: Capture, tmp_path: Path
) -> None:
    assert inv("deploy", "--branch", "v1.2.4", on=[SimHost(world=deployed())]) == 0
    path = left(tmp_path, ".html")
    assert capsys.readouterr().out.rstrip().endswith(f"Report: {path}")
    assert {file.stat().st_mode & 0o777 for file in (path, left(tmp_path, ".json"))} == {0o600}
    text = path.read_text()
    for said in ("Deployment", "Services updated successfully", "Read larger files", "5: Rolling update"):
        assert said in text
    assert json.loads(left(tmp_path, ".json").read_text())["foreign_lines"] == 0
    assert "could not be read" not in text
    ticked = boxes(left(tmp_path, ".json"))
    assert len(ticked) == 25
    for title in (
        "Correct directory confirmed",
        "Git branch identified",
        "Backup integrity verified",
        "Health checks passed",
        "All services running",
        "Health endpoints responding",
    ):
        assert ticked[title] == PASSED
    assert ticked["Grafana dashboards opened"] == ticked["Team notified"] == PERSON


def test_the_document_names_the_report(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    assert inv("deploy", "--branch", "v1.2.3", "--json", on=[SimHost()]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(left(tmp_path, ".html"))


@pytest.mark.parametrize(
    ("host", "code", "verdict"),
    [
        (SimHost(fault=Fault(1, 1)), 3, "refused"),
        (SimHost(world=replace(fresh(), sick=("backend",))), 4, "taken back"),
        (SimHost(fault=Fault(60, 1, lasts=True)), 5, "needs a person"),
        (SimHost(fault=Fault(60, KeyboardInterrupt)), 4, "taken back"),
    ],
    ids=["refused", "taken back", "undo failed", "interrupted"],
)
def test_a_run_that_fails_leaves_its_report_too(
    inv: Inv, capsys: Capture, tmp_path: Path, host: SimHost, code: int, verdict: str
) -> None:
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == code
    assert f"Report: {left(tmp_path, '.html')}" in "".join(capsys.readouterr())
    document = json.loads(left(tmp_path, ".json").read_text())
    assert (document["exit_code"], document["verdict"]) == (code, verdict)
    assert boxes(left(tmp_path, ".json"))["Health checks passed"] != PASSED


@pytest.mark.parametrize(
    ("words", "command"),
    [("rollback --yes", "rollback"), ("deploy.recover", "recover"), ("backup", "backup")],
)
def test_other_changes_have_their_steps_as_boxes(inv: Inv, tmp_path: Path, words: str, command: str) -> None:
    assert inv(*words.split(), on=[SimHost(world=deployed())]) == 0
    found = boxes(left(tmp_path, ".json", command))
    assert PASSED in found.values()
    assert ("Critical flows tested" in found) == (command != "backup")


def test_a_verification_has_a_report_of_its_own(inv: Inv, tmp_path: Path) -> None:
    inv("verify", on=[SimHost(world=deployed())])
    assert not [*(tmp_path / "state").rglob("*.html")]


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS])
def test_a_report_that_cannot_be_written_is_a_warning_and_no_more(
    inv: Inv, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def full(*_: object) -> Path:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(files, "write_whole", full)
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    out, err = capsys.readouterr()
    assert "Report:" not in out
    assert f"[WARN] The report cannot be written: {os.strerror(reason)}" in err


def test_hostile_text_stays_text() -> None:
    page_of = page(
        told(
            lines(
                {**START, "facts": [["Branch", EVIL]], "steps": [["1", EVIL]]},
                {"event": "step.started", "number": "1", "title": EVIL},
                {"event": "fact", "name": "changes", "value": [EVIL]},
                {"event": "fact", "name": "checklist", "value": [[EVIL] * 5], "host": "app1"},
                {"event": "message", "level": "error", "text": EVIL, "host": EVIL},
                {"event": "run.finished", "code": 5, "message": EVIL, "hint": EVIL, "detail": EVIL},
            )
        ),
        TeamTold(Announced(1, (EVIL,)), Announced(1, (EVIL,))),
    )
    text = files.html(page_of)
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "\x1b" not in text


def test_a_box_is_ticked_only_where_every_host_says_so() -> None:
    def tick(mark: str, host: str) -> Mapping[str, Any]:
        row = ["System health", "Disk space", mark, "11 GB", ""]
        return {"event": "fact", "name": "checklist", "value": [row], "host": host}

    def marked(*ticks: Mapping[str, Any]) -> str:
        found = summary(told(lines(START, *ticks)))
        return next(box.mark for box in found if box.title == "Disk space verified")

    assert marked(tick("passed", "app1"), tick("passed", "app2")) == PASSED
    assert marked(tick("passed", "app1"), tick("failed", "app2")) == "failed"
    assert marked(tick("passed", "app1")) == UNKNOWN
    assert marked() == UNKNOWN


def test_a_step_that_was_not_come_to_is_not_ticked() -> None:
    run = told(
        lines({**START, "steps": [["2", "Building containers"]]}, {"event": "run.finished", "code": 3})
    )
    assert {box.mark for box in summary(run) if box.title == "Container build successful"} == {LEFT}


def test_a_verification_is_ticked_only_for_what_it_looked_at() -> None:
    def marked(*counts: tuple[str, int, int]) -> dict[str, tuple[str, str]]:
        title = "Post-deployment verification"
        facts = (
            {"event": "fact", "name": "verified", "value": {"services": a, "urls": b}, "host": host}
            for host, a, b in counts
        )
        done = {"event": "step.finished", "number": "7", "title": title, "seconds": 1.0}
        found = summary(told(lines({**START, "steps": [["7", title]]}, *facts, done)))
        return {box.title: (box.mark, box.text) for box in found}

    both = marked(("app1", 9, 2), ("app2", 3, 1))
    assert both["All services running"] == (PASSED, "12 services")
    assert both["Health endpoints responding"] == (PASSED, "3 URLs")
    assert both["Health checks passed"] == (PASSED, "12 services, 3 URLs")
    no_urls = marked(("app1", 9, 0), ("app2", 3, 0))
    assert no_urls["All services running"][0] == no_urls["Health checks passed"][0] == PASSED
    assert no_urls["Health endpoints responding"][0] == PERSON
    for nothing in (marked(("app1", 0, 0)), marked()):
        for title in ("All services running", "Health endpoints responding", "Health checks passed"):
            assert nothing[title][0] == PERSON
            assert "nothing was looked at" in nothing[title][1]


def test_a_deploy_without_urls_leaves_the_endpoints_to_a_person(inv: Inv, tmp_path: Path) -> None:
    config = yaml.safe_load(test_tasks.CONFIG)
    (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump({**config, "checks": []}))
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    ticked = boxes(left(tmp_path, ".json"))
    assert ticked["All services running"] == ticked["Health checks passed"] == PASSED
    assert ticked["Health endpoints responding"] == PERSON


def test_the_team_is_ticked_only_where_all_was_delivered() -> None:
    run = told(lines(START, {"event": "fact", "name": "receivers", "value": 2}))

    def marked(start: Announced, end: Announced) -> list[str]:
        found = summary(run, TeamTold(start, end))
        return [box.mark for box in found if box.title.startswith("Team notified")]

    all_told, untold = Announced(2), Announced(2, ("Slack did not answer",))
    assert marked(all_told, all_told) == [PASSED, PASSED]
    assert marked(all_told, untold) == [PASSED, "failed"]
    assert marked(untold, all_told) == ["failed", PASSED]
    assert marked(Announced(), Announced()) == [PERSON, PERSON]


@pytest.mark.parametrize("command", ["rollback", "restore"])
def test_the_team_of_another_run_is_ticked_by_its_end(command: str) -> None:
    run = told(lines({**START, "command": command}))
    found = {box.title: box.mark for box in summary(run, TeamTold(end=Announced(1)))}
    assert found["Team notified of completion"] == PASSED


def test_a_recorded_deploy_has_a_bar_for_each_step_and_its_proof() -> None:
    run = told(recorded())
    assert [bar.name for bar in timeline(run).bars if not bar.is_host] == [step.named for step in run.steps]
    measured = proof(run)
    assert measured is not None
    assert (measured.verdict, measured.failed) == ("measured", 0)
    assert (
        sum(one.requests for one in measured.asked if one.who != "visitors") == run.fact("probe")["requests"]
    )
    assert measured.answers is None, "that run kept no series"


def test_every_line_of_a_recorded_deploy_is_read() -> None:
    recording = (RECORDED / "deploy-v1.2.4.jsonl").read_text().splitlines()
    run = told(json.loads(line) for line in recording)
    assert run.foreign == 0
    assert all("app1" in step.shares for step in run.steps), "what each host's part took"
    assert {box.mark for box in summary(run)} == {PASSED, PERSON}
    measured = proof(run)
    assert measured is not None
    assert measured.answers is not None


def test_the_series_is_drawn_with_its_phases_and_failures() -> None:
    answers = [
        ProbeAnswer(at / 10, 0, 0 if 100 <= at < 110 else 200, 0.01, PHASES[at // 100]) for at in range(300)
    ]
    both = series([answers, answers])
    fact = {"event": "fact", "name": "probe_series", "value": asdict(both)}
    probe = {"event": "fact", "name": "probe", "value": asdict(report(answers))}
    measured = proof(told(lines(START, fact, probe)))
    assert measured is not None
    assert measured.answers is not None
    assert [name for name, _ in both.phases] == list(PHASES)
    assert [name for _, name in measured.phases] == list(PHASES)
    assert [count for *_, count in measured.failures] == [20]
    assert measured.verdict == "requests failed"


@given(st.lists(st.lists(st.floats(0, 1e5), max_size=40), max_size=3))
def test_a_series_keeps_every_request_in_few_slices(hosts: list[list[float]]) -> None:
    seen = series([ProbeAnswer(at, 0, 200, 0.01) for at in sorted(host)] for host in hosts)
    assert sum(one[0] for one in seen.bins) == sum(map(len, hosts))
    assert len(seen.bins) <= 120


def test_each_host_has_its_part_of_a_step() -> None:
    run = told(
        lines(
            {**START, "steps": [["1", "Pull"]]},
            {"event": "step.started", "number": "1", "title": "Pull"},
            {"event": "message", "level": "info", "text": "there", "host": "app1"},
            {"event": "message", "level": "info", "text": "there", "host": "app2"},
            {"event": "step.finished", "number": "1", "title": "Pull", "seconds": 3.0},
        )
    )
    bars = timeline(run).bars
    assert [(bar.name, bar.is_host) for bar in bars] == [("1: Pull", False), ("app1", True), ("app2", True)]
    assert bars[0].width > bars[2].width > bars[1].width


def test_a_host_that_says_how_long_its_part_took_has_a_bar_of_that_length() -> None:
    def finished(host: str, seconds: float) -> Mapping[str, Any]:
        return {"event": "host.finished", "step": "Pull", "host": host, "seconds": seconds, "message": ""}

    run = told(
        lines(
            {**START, "steps": [["1", "Pull"]]},
            {"event": "step.started", "number": "1", "title": "Pull"},
            {"event": "message", "level": "info", "text": "there", "host": "app2"},
            finished("app1", 1.0),
            finished("app2", 1.0),
            finished("app2", 0.5),
            finished("", 0.5),
            {"event": "step.finished", "number": "1", "title": "Pull", "seconds": 6.0},
        )
    )
    assert run.foreign == 0
    assert dict(run.steps[0].shares) == {"app1": (2.0, 3.0), "app2": (3.0, 5.0)}
    step, first, second = timeline(run).bars
    assert (first.name, second.name) == ("app1", "app2")
    assert step.x < first.x < second.x
    assert second.width == pytest.approx(2 * first.width, abs=0.2)


def test_every_event_of_a_journal_is_one_that_the_report_knows() -> None:
    # What is kept in the log and never in the journal has no line that could be read.
    left_out = {events.Event, events.Output, events.Panel}
    every = {one for one in vars(events).values() if isinstance(one, type) and issubclass(one, events.Event)}
    assert {type(event) for event in EVENTS} == every - left_out
    run = told([journal.line_of(event, datetime.now(UTC)) for event in EVENTS])
    assert run.foreign == 0


def test_a_killed_run_is_unfinished() -> None:
    shown = page(told(lines(START, {"event": "step.started", "number": "1", "title": "Pull"})))
    assert (shown.verdict, shown.tone) == ("unfinished", UNKNOWN)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
known = st.sampled_from(sorted({journal.line_of(event, datetime.now(UTC))["event"] for event in EVENTS}))
field = st.sampled_from(
    [
        "facts",
        "steps",
        "hosts",
        "name",
        "value",
        "number",
        "title",
        "seconds",
        "code",
        "message",
        "host",
        "step",
        "text",
    ]
)
names = st.sampled_from(
    ["verified", "probe", "probe_series", "checklist", "changes", "migrations", "proof", "receivers"]
)


@given(
    st.lists(
        st.builds(
            lambda event, more, name, value: {
                "t": "2024-11-30T14:30:00Z",
                "event": event,
                "host": "",
                "hosts": ["app1"],
                **more,
                **({"name": name, "value": value} if event == "fact" else {}),
            },
            known,
            st.dictionaries(field, json_values, max_size=4),
            names,
            json_values
            | st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ("requests", "failed", "phases", "visitors", "bins", "seconds"), json_values
                ),
            ),
        )
        | st.dictionaries(st.sampled_from(["t", "event", "x"]), json_values, max_size=3),
        max_size=8,
    )
)
def test_no_line_of_a_journal_breaks_the_report(found: list[dict[str, Any]]) -> None:
    run = told(found)
    text = files.html(page(run))
    assert text.startswith("<!doctype html>")
    assert (run.foreign > 0) == ("could not be read and" in text)
