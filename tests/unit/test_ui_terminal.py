"""Foreign text on the operator's terminal: it may say anything and do nothing."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_kit import Face, Tty, started

from schedgen_ops.events import Message, Output, RunFinished, StepStarted
from schedgen_ops.ui.raw_terminal import RawTerminal
from schedgen_ops.ui.terminal import Writer, is_coloured, is_live, printable, printable_lines

ATTACKS = (
    "\x1b[2J\x1b[Hcleared",
    "\x1b]0;title\x07said",
    "\x1b]52;c;ZWNobyBoaQ==\x1b\\said",
    "\x1b[31mred\x1b[0m",
    "\x9b2Jcleared",
    "\x08\x08\x08backspaced",
    "\x1bcreset",
    "\x1b(0lines",
    "abc\u202edcba",
    "a\x00b\x7fc",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_no_control_survives(text: str) -> None:
    assert printable(text).isprintable()


@given(st.text())
def test_whatever_comes_stays_on_its_line_and_moves_nothing(text: str) -> None:
    shown = printable(text)
    assert not any(char < " " or "\x7f" <= char <= "\x9f" for char in shown)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1


def test_what_is_harmless_is_kept() -> None:
    assert printable("Größe: 3 µs → ✓ 日本") == "Größe: 3 µs → ✓ 日本"
    assert printable("\x1b[32mdone\x1b[0m in 3 s") == "done in 3 s"
    assert printable("a\tb") == "a   b"


def test_of_an_overwritten_line_the_last_state_is_kept() -> None:
    assert printable("10%\r50%\r100% done\r\n") == "100% done"


def test_several_lines_stay_several() -> None:
    assert printable_lines("one\ntwo\x1b[A\n\n") == ("one", "two")
    assert printable_lines(" \n") == ()


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("tty", [False, True], ids=["plain", "live"])
def test_a_build_log_can_neither_move_the_cursor_nor_inject_markup(tty: bool, level: str) -> None:
    face = Face(tty=tty, log_level=level)
    evil = "\x1b[2J\x1b[H[bold red]owned[/bold red] [link=http://x]y[/link]\x07"
    with face.ui:
        for event in (
            started("app1", steps=(("1", evil),)),
            StepStarted("1", evil),
            Output(evil, "app1"),
            Message("info", evil, "app1"),
            RunFinished(5, evil, 1.0, evil, hint=evil, detail=evil, host=evil, step=evil),
        ):
            face.ui.emit(event)
    for stream in (face.out, face.err):
        assert "\x1b[2J" not in stream
        assert "\x1b[H" not in stream
        assert "\x07" not in stream
        assert "[bold red]owned[/bold red]" in stream


def test_a_live_view_needs_a_capable_terminal() -> None:
    assert is_live(Tty(), {"TERM": "xterm"})
    assert not is_live(Tty(), {"TERM": "dumb"})
    assert not is_live(Tty(), {})
    assert not is_live(io.StringIO(), {"TERM": "xterm"})


def test_no_color_is_honoured() -> None:
    assert is_coloured(Tty(), {"TERM": "xterm"})
    assert not is_coloured(Tty(), {"TERM": "xterm", "NO_COLOR": "1"})


def test_a_stream_that_cannot_carry_a_character_gets_another() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Writer(stream).lines("Größe ✓")
    assert raw.getvalue() == b"Gr??e ?\n"


def test_a_reader_that_goes_away_does_not_end_the_run() -> None:
    program = (
        "from schedgen_ops.ui.terminal import Writer\nimport sys\n"
        "writer = Writer(sys.stdout)\n"
        "for _ in range(20000): writer.lines('x' * 80)\n"
        "print('still here', file=sys.stderr)\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    try:
        run = subprocess.run(
            [sys.executable, "-c", program], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (run.returncode, run.stderr) == (0, "still here\n")


@pytest.mark.parametrize(
    ("said", "away"),
    [
        (b"\x1b[?1049hfull", True),
        (b"\x1b[?47hfull", True),
        (b"\x1b[?1049hfull\x1b[?1049lback", False),
        (b"\x1b[?1049l\x1b[?1047hfull", True),
        (b"plain\x1b[?25l", False),
    ],
)
def test_the_screen_that_a_killed_program_was_on_is_left_and_no_other(said: bytes, away: bool) -> None:
    for size in (1, 3, 7, 100):
        ear, bell = os.pipe()
        terminal = RawTerminal(0, bell, ear)
        for start in range(0, len(said), size):
            terminal.write(said[start : start + size])
        terminal.tidy()
        os.close(bell)
        with os.fdopen(ear, "rb") as shown:
            left = shown.read().removeprefix(said)
        assert left.startswith(b"\x1b[?1049l") == away
        assert b"\x1b[?25h" in left
