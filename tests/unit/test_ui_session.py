"""The face of a run as a whole: threads, early ends, displays that break."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ui_kit import Face, runbook_run, started

from schedgen_ops.errors import ConfigError, OpsError, RolledBack
from schedgen_ops.events import Event, Message, RunFinished, StepStarted
from schedgen_ops.ui import open_ui
from schedgen_ops.ui.journal import read
from schedgen_ops.ui.session import Ui


def test_lines_of_many_threads_stay_whole(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)

    def talk(ui: Ui, host: str) -> None:
        for number in range(200):
            ui.emit(Message("info", f"{host} says {number}", host))

    with face.ui:
        face.ui.emit(started("a", "b", "c", "d"))
        threads = [threading.Thread(target=talk, args=(face.ui, host)) for host in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lines = [line for line in face.out.splitlines() if line.startswith("[INFO]")]
    expected = {f"[INFO] {host}: {host} says {number}" for host in "abcd" for number in range(200)}
    assert len(lines) == 800
    assert set(lines) == expected
    assert len(read(tmp_path / "deploy-20241130_143000.jsonl")) == 801


def test_a_failure_is_told_once() -> None:
    error = RolledBack("Build failed", hint="Fix it")
    face = Face()
    face.ui.emit(RunFinished(4, "Deployment Failed", 1.0, "Build failed", "Fix it"))
    face.ui.fail(error)
    with pytest.raises(RolledBack), face.ui:
        raise error
    assert face.err.count("ERROR: Build failed") == 1


def test_an_error_that_ends_a_run_early_closes_what_is_open(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)
    face.ui.emit(started("app1"))
    face.ui.emit(StepStarted("2", "Building containers"))
    face.time.passed = 7.0
    with pytest.raises(OpsError), face.ui:
        raise OpsError("Disk is full", host="app1")
    *_, failed, end = read(tmp_path / "deploy-20241130_143000.jsonl")
    assert (failed["event"], failed["seconds"], failed["message"]) == ("step.failed", 7.0, "Disk is full")
    assert (end["event"], end["code"], end["step"]) == ("run.finished", 5, "Building containers")
    assert face.out.endswith("[ERROR] Disk is full\n")
    assert "  step:    Building containers\n" in face.err


def test_a_defect_shows_no_traceback_but_leaves_one_in_the_log(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)
    face.ui.emit(started("app1"))
    with pytest.raises(ZeroDivisionError), face.ui:
        raise ZeroDivisionError("division by zero")
    assert "ERROR: Unexpected ZeroDivisionError: division by zero" in face.err
    assert "Traceback" not in face.out + face.err
    assert "Traceback" in (tmp_path / "deploy-20241130_143000.log").read_text()


def test_leaving_with_code_0_is_no_failure() -> None:
    face = Face()
    with pytest.raises(SystemExit), face.ui:
        raise SystemExit(0)
    assert face.out == face.err == ""


def test_a_live_view_that_breaks_gives_way_to_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    from schedgen_ops.ui.console import Console

    def broken(self: Console, event: Event) -> None:
        raise ValueError("no such glyph")

    face = Face(tty=True)
    monkeypatch.setattr(Console, "handle", broken)
    face.tell(*runbook_run("app1"))
    assert face.out.count("[INFO] Pre-flight checks passed") == 1
    assert "=== Deployment Complete ===" in face.out
    assert face.err.count("going on in plain lines") == 1


def test_why_a_live_view_broke_is_told_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    from schedgen_ops.ui.console import Console

    def broken(self: Console, event: Event) -> None:
        raise ValueError("cannot draw tok3n-abcdef")

    face = Face(tty=True)
    face.ui.veil.learn(["tok3n-abcdef"])
    monkeypatch.setattr(Console, "handle", broken)
    face.tell(*runbook_run("app1"))
    assert "ValueError: cannot draw ***" in face.err
    assert "tok3n" not in face.out + face.err


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="loud"):
        open_ui(log_level="loud")


def test_the_paths_of_log_and_journal_are_known_once_the_run_has_a_name(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)
    before = face.ui.log_path
    face.tell(started())
    assert before is None
    assert face.ui.log_path == tmp_path / "deploy-20241130_143000.log"
    assert face.ui.journal_path == tmp_path / "deploy-20241130_143000.jsonl"


def test_without_a_terminal_nothing_heavy_is_imported() -> None:
    program = (
        "import sys\nfrom schedgen_ops.ui import open_ui\n"
        "assert 'json' not in sys.modules, 'importing the package is not free'\n"
        "with open_ui(): pass\nprint([m for m in ('rich', 'yaml', 'pydantic', 'fabric') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (KeyboardInterrupt(), "Interrupted: nobody waited for what is still on its way"),
        (OSError("gone"), "A listener failed at its end (OSError: gone)"),
    ],
)
def test_what_goes_wrong_at_a_listeners_end_is_a_warning_and_no_end_of_the_run(
    tmp_path: Path, raised: BaseException, told: str
) -> None:
    seen: list[Event] = []

    def end() -> tuple[str, ...]:
        raise raised

    face = Face(log_dir=tmp_path)
    with face.ui:
        face.ui.listen(seen.append, end)
        face.ui.listen(seen.append, lambda: ("The other one was not told",))
        face.ui.emit(started("app1"))
        face.ui.emit(RunFinished(0, "Done", 1.0))
    assert len(seen) == 4
    assert face.err.splitlines()[-2:] == [f"[WARN] {told}", "[WARN] The other one was not told"]
    assert f"[WARN] {told}" in (tmp_path / "deploy-20241130_143000.log").read_text()
