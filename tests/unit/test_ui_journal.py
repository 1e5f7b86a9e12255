"""The journal and the log that a run leaves behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_kit import Face, FakeTime, finished, runbook_run, started

from schedgen_ops.events import Fact, Message, Output, Progress, RunFinished, StepFinished, StepStarted
from schedgen_ops.shell import Secret
from schedgen_ops.ui.journal import Journal, journals, read, run_name, step_seconds


def unexpected(text: str) -> None:
    raise AssertionError(text)


def kept(folder: Path) -> Path:
    return folder / "deploy-20241130_143000.jsonl"


def test_each_event_is_a_line_with_its_time_in_utc(tmp_path: Path) -> None:
    Face(log_dir=tmp_path).tell(started("app1"), Message("warn", "Disk is 79 % full", "app1"), finished())
    first, second, third = kept(tmp_path).read_text().splitlines()
    assert json.loads(first)["event"] == "run.started"
    assert json.loads(second) == {
        "t": "2024-11-30T14:30:00.000Z",
        "event": "message",
        "level": "warn",
        "text": "Disk is 79 % full",
        "host": "app1",
    }
    assert json.loads(third)["event"] == "run.finished"


def test_every_start_has_its_finish(tmp_path: Path) -> None:
    Face(log_dir=tmp_path).tell(*runbook_run("app1"))
    names = [event["event"] for event in read(kept(tmp_path))]
    assert names.count("step.started") == names.count("step.finished") == 10
    assert (names[0], names[-1]) == ("run.started", "run.finished")


def test_runs_of_one_second_keep_their_stories_apart(tmp_path: Path) -> None:
    for host in ("app1", "app2"):
        Face(log_dir=tmp_path).tell(started(host), finished())
    assert [event["hosts"] for event in read(kept(tmp_path)) if "hosts" in event] == [["app1"]]
    second = kept(tmp_path).with_name("deploy-20241130_143000-2.jsonl")
    assert [event["hosts"] for event in read(second) if "hosts" in event] == [["app2"]]
    assert {path.suffix for path in tmp_path.glob("*-2.*")} == {".jsonl", ".log"}


def test_only_the_operator_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "logs"
    Face(log_dir=folder).tell(started(), finished())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_log_has_the_whole_story_with_remote_output(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)
    face.tell(
        started("app1", "app2"),
        StepStarted("2", "Building containers"),
        Output("npm \x1b[31mci\x1b[0m", "app2"),
        RunFinished(5, "Deployment Failed", 3.0, "Build failed", detail="exit code 1", host="app2"),
    )
    assert (tmp_path / "deploy-20241130_143000.log").read_text().splitlines() == [
        "2024-11-30T14:30:00.000Z " + line
        for line in (
            "=== Zero-Downtime Deployment Script ===",
            "Branch: main",
            "Started at: 2024-11-30 14:30:00",
            "=== Step 2: Building containers ===",
            "  app2 | npm ci",
            "=== Deployment Failed ===",
            "ERROR: Build failed",
            "  host:    app2",
            "    exit code 1",
        )
    ]


def test_what_comes_before_the_run_has_a_name_is_kept(tmp_path: Path) -> None:
    Face(log_dir=tmp_path).tell(Message("info", "Connecting"), started(), finished())
    assert [event["event"] for event in read(kept(tmp_path))] == ["message", "run.started", "run.finished"]


def test_output_is_left_to_the_log_and_progress_is_thinned(tmp_path: Path) -> None:
    time = FakeTime()
    journal = Journal(tmp_path / "j.jsonl", time.now, unexpected)
    for step in range(101):
        time.passed = step / 20
        journal.handle(Output("noise"))
        journal.handle(Progress("upload", step, 100, "bytes"))
    journal.close()
    assert [event["done"] for event in read(tmp_path / "j.jsonl")] == [0, 20, 40, 60, 80, 100]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"event": "run.started"}\n{"event": "step.star\xc3')
    assert read(path) == ({"event": "run.started"},)


@given(cut=st.integers(min_value=0, max_value=400))
def test_wherever_it_was_cut_the_whole_lines_are_read(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "j.jsonl"
    lines = [json.dumps({"event": "message", "text": "ä€" * n}).encode() + b"\n" for n in range(8)]
    path.write_bytes(b"".join(lines)[:cut])
    whole = sum(cut >= len(b"".join(lines[: n + 1])) - 1 for n in range(len(lines)))
    assert len(read(path)) == whole


def test_the_last_line_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from schedgen_ops.events import StepStarted\nfrom schedgen_ops.ui.clock import local_time\n"
        "from schedgen_ops.ui.journal import Journal\n"
        "Journal(Path(sys.argv[1]), local_time, print).handle(StepStarted('1', 'Pulling'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "j.jsonl"
    run = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert [event["title"] for event in read(path)] == ["Pulling"]


def test_files_that_can_grow_no_further_are_told_once_and_stop_nothing(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path / "logs")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        face.tell(*runbook_run("app1"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "=== Deployment Complete ===" in face.out
    assert face.err.count("File too large") == 2
    assert len(face.err.splitlines()) == 2


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    face = Face(log_dir=tmp_path / "file" / "logs")
    face.tell(started(), finished())
    assert "=== Deployment Complete ===" in face.out
    assert "Log:" not in face.out
    assert "Cannot write" in face.err


def test_after_a_piece_was_cut_short_the_next_line_is_whole(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "j.jsonl"
    journal = Journal(path, FakeTime().now, told.append)
    journal.handle(Message("info", "first"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
    try:
        journal.handle(Message("info", "second"))
        journal.handle(Message("info", "third"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.handle(Message("info", "fourth"))
    journal.close()
    assert [event["text"] for event in read(path)] == ["first", "fourth"]
    assert [text.partition(":")[0] for text in told] == [f"Cannot write {path}"]


def test_strange_values_become_text_and_secrets_stars(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl", FakeTime().now, unexpected)
    for value in (Path("/a"), {("a", 1): Path("/b")}, Secret("hunter2"), {3, 1}, float):
        journal.handle(Fact("thing", value))
    journal.close()
    values = [event["value"] for event in read(tmp_path / "j.jsonl")]
    assert values[:4] == ["/a", {"('a', 1)": "/b"}, "***", ["1", "3"]]
    assert "hunter2" not in (tmp_path / "j.jsonl").read_text()


def test_a_run_cannot_name_a_file_elsewhere() -> None:
    assert run_name("deploy", "../../etc/passwd") == "deploy-.._.._etc_passwd"
    assert "/" not in run_name("../x", "y")


def test_estimates_are_medians_of_steps_that_ended_well(tmp_path: Path) -> None:
    for number, seconds in enumerate((10.0, 12.0, 90.0)):
        journal = Journal(tmp_path / f"deploy-{number}.jsonl", FakeTime().now, unexpected)
        journal.handle(StepStarted("2", "Building containers"))
        journal.handle(StepFinished("2", "Building containers", seconds))
        journal.close()
    (tmp_path / "deploy-3.jsonl").write_text('{"event": "step.failed", "title": "Building containers"}\n')
    (tmp_path / "deploy_plan-1.jsonl").write_text("")
    found = journals(tmp_path, "deploy")
    assert len(found) == 4
    assert step_seconds((*found, tmp_path / "gone.jsonl")) == {"Building containers": 12.0}


def test_the_newest_journals_come_first(tmp_path: Path) -> None:
    for number in range(12):
        path = tmp_path / f"deploy-{number}.jsonl"
        path.write_text("")
        os.utime(path, (number, number))
    assert [path.stem for path in journals(tmp_path, "deploy", limit=2)] == ["deploy-11", "deploy-10"]
    assert journals(tmp_path / "none", "deploy") == ()
