"""The live view, drawn for terminals of several sizes and on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from pathlib import Path

import pytest
from rich.cells import cell_len
from ui_kit import STEPS, Face, finished, runbook_run, started

from schedgen_ops.errors import RolledBack
from schedgen_ops.events import Event, Message, Output, Progress, StepFinished, StepStarted
from schedgen_ops.ui import open_ui
from schedgen_ops.ui.board import Board, advance
from schedgen_ops.ui.frame import ASCII, Frame, Signs

USUAL = {"Building containers": 60.0, "Running database migrations": 5.0}


def frame(*events: Event, width: int = 80, height: int = 40, later: float = 0.0, signs: Signs = ASCII) -> str:
    board = reduce(lambda board, event: advance(board, event, 100.0), events, Board())
    lines = Frame(width, height, USUAL, signs).draw(board, 100.0 + later)
    return "\n".join(line.plain.rstrip() for line in lines)


BUILDING = (
    started("app1", steps=(("", "Pre-flight Checks"), *STEPS[3:5], ("8", "Cleaning up old images"))),
    StepStarted("", "Pre-flight Checks"),
    StepFinished("", "Pre-flight Checks", 1.2),
    StepStarted("2", "Building containers"),
)


def test_it_shows_what_is_done_what_runs_and_what_is_left() -> None:
    assert frame(*BUILDING, Output("npm ci"), later=23) == (
        "\n"
        " +    Pre-flight Checks            1.2 s\n"
        " |  2 Building containers          23 s of ~1 min\n"
        " .  3 Running database migrations  ~5 s\n"
        " .  8 Cleaning up old images\n"
        "   1 of 4 steps, 23 s so far, at least 40 s left\n"
        "   | npm ci"
    )


def test_a_bar_shows_how_far_a_long_action_is() -> None:
    half = Progress("database", 20 * 1024**2, 40 * 1024**2, "bytes")
    assert frame(*BUILDING, half).endswith("   ============............  50%  20.0 MiB / 40.0 MiB  database")
    assert frame(*BUILDING, Progress("database", 1536, 0, "bytes")).endswith("   database 1.5 KiB")


def test_bytes_have_a_rate_and_a_time_left_once_they_move() -> None:
    mib = 1024**2
    board = reduce(lambda board, event: advance(board, event, 100.0), BUILDING, Board())
    for second in range(4):
        board = advance(board, Progress("database", second * 5 * mib, 40 * mib, "bytes"), 100.0 + second)
    shown = [text.plain for text in Frame(100, 24, {}, ASCII).draw(board, 103.0)]
    assert shown[-1] == (
        "   =========...............  38%  15.0 MiB / 40.0 MiB  5.0 MiB/s  5 s left  database"
    )


def test_several_hosts_have_a_line_each() -> None:
    text = frame(
        started("app1", "database-2"),
        Message("info", "Code updated", "app1"),
        Message("error", "No route", "database-2"),
        Output("npm ci", "app1"),
    )
    assert "   app1       + Code updated\n   database-2 x No route\n   app1 | npm ci" in text


def test_of_many_hosts_those_in_trouble_are_shown() -> None:
    names = tuple(f"app{number}" for number in range(30))
    text = frame(started(*names), Message("error", "No route", "app27"))
    assert "app27 x No route" in text
    assert "... 22 more hosts" in text


@pytest.mark.parametrize("signs", [ASCII, Signs()], ids=["ascii", "unicode"])
@pytest.mark.parametrize("height", [8, 12, 24, 50])
@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_it_fits_every_terminal(width: int, height: int, signs: Signs) -> None:
    events: list[Event] = [started("app1", "日本", steps=STEPS)]
    events += (StepFinished(*STEPS[0], 1.0), StepStarted(*STEPS[5]))
    events += (Output("日本" * 80, "日本") for _ in range(9))
    events += (Progress("x" * 90, n, 10, str(n)) for n in range(9))
    lines = frame(*events, width=width, height=height, signs=signs).split("\n")
    assert len(lines) < height
    assert max(map(cell_len, lines)) <= width
    if width >= 40 and height >= 24:
        assert any("Rolling up" in line for line in lines)


def test_a_steps_time_is_never_cut_off_at_80_columns() -> None:
    text = frame(started(steps=STEPS), *(StepFinished(*step, 754.0) for step in STEPS))
    assert text.count("12 min 34 s\n") == 10


@contextmanager
def terminal(environ: Mapping[str, str]) -> Iterator[tuple[Face, list[str]]]:
    """A `Ui` on a real pseudo-terminal, and what arrives there."""
    master, slave = pty.openpty()
    arrived: list[str] = []

    def collect() -> None:
        try:
            while data := os.read(master, 65536):
                arrived.append(data.decode("utf-8", "replace"))
        except OSError:
            return

    reader = threading.Thread(target=collect)
    reader.start()
    face = Face()
    stream = os.fdopen(slave, "w", encoding="utf-8")
    face.ui = open_ui(stdout=stream, stderr=stream, environ=environ, now=face.time.now)
    try:
        yield face, arrived
    finally:
        stream.close()
        reader.join(5)
        os.close(master)


SCREEN = {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"}


def screen(text: str) -> str:
    """What was printed, without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text).replace("\r\n", "\n").replace("\r", "\n")


def test_a_whole_deploy_scrolls_by_and_ends_in_a_summary() -> None:
    with terminal(SCREEN) as (face, arrived):
        face.tell(*runbook_run("app1"))
    text = "".join(arrived)
    assert "[32m[INFO]" in text
    shown = screen(text)
    assert "=== Step 0: Pre-deployment backup ===" in shown
    assert "=== Deployment Complete ===" in shown
    _, _, summary = shown.rpartition("with zero downtime\n")
    assert summary.startswith(
        "\n ✓    Pre-flight Checks                         1.5 s\n ✓  0 Pre-deployment backup"
    )
    assert summary.endswith(" ✓ Done in 1 min 23 s\n")


def test_the_summary_says_what_is_next_and_where_the_log_is(tmp_path: Path) -> None:
    face = Face(tty=True, log_dir=tmp_path, environ=SCREEN | {"COLUMNS": "200"})
    end = finished()
    face.tell(started(), type(end)(0, end.title, 2.0, hint="inv verify.quick"))
    assert screen(face.out).endswith(
        f" ✓ Done in 2.0 s\n   Next: inv verify.quick\n   Log:  {tmp_path}/deploy-20241130_143000.log\n"
    )


def test_output_that_scrolls_by_at_debug_is_not_shown_twice() -> None:
    face = Face(tty=True, log_level="debug", environ=SCREEN)
    face.tell(started("app1", steps=STEPS), StepStarted(*STEPS[3]), Output("npm ci", "app1"))
    assert screen(face.out).count("npm ci") == 1


def test_no_color_leaves_no_colour() -> None:
    face = Face(tty=True, environ=SCREEN | {"NO_COLOR": "1"})
    face.tell(*runbook_run("app1"))
    codes = {code for found in re.findall(r"\x1b\[([\d;]*)m", face.out) for code in found.split(";")}
    assert not any(code.startswith(("3", "4", "9")) for code in codes)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RolledBack("Undone"), ZeroDivisionError("x")])
def test_whatever_ends_a_run_the_cursor_comes_back(error: BaseException) -> None:
    with terminal(SCREEN) as (face, arrived):
        face.ui.emit(started("app1", steps=STEPS))
        face.ui.emit(StepStarted(*STEPS[0]))
        time.sleep(0.2)
        with pytest.raises(type(error)), face.ui:
            raise error
    text = "".join(arrived)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    _, _, end = screen(text).rpartition("Failed in ")
    assert "ERROR: " in end
    assert "step:    Pre-flight Checks" in end
    assert "Traceback" not in text


def test_a_question_is_asked_with_the_view_away_and_the_cursor_shown() -> None:
    face = Face(tty=True, environ=SCREEN)
    with face.ui:
        face.ui.emit(started("app1", steps=STEPS))
        with face.ui.paused():
            before = face.out
            time.sleep(0.3)
            assert face.out == before
            assert before.rindex("\x1b[?25h") > before.rindex("\x1b[?25l")
        assert face.out.rindex("\x1b[?25l") > face.out.rindex("\x1b[?25h")


def test_it_redraws_at_most_eight_times_a_second_however_much_is_printed() -> None:
    with terminal(SCREEN) as (face, arrived), face.ui:
        face.ui.emit(started("app1", steps=STEPS))
        face.ui.emit(StepStarted(*STEPS[3]))
        time.sleep(0.2)
        seen, until = len("".join(arrived).split("of 10 steps")), time.monotonic() + 1.0
        while time.monotonic() < until:
            for number in range(50):
                face.ui.emit(Output(f"line {number}", "app1"))
            time.sleep(0.005)
        drawn = len("".join(arrived).split("of 10 steps")) - seen
        assert 2 <= drawn <= 10
