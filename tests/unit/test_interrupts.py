"""Real signals in real terminals: the first one ends a run, and nothing that follows ends the taking back."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "run_in_terminal.py"
ROOT = Path(__file__).parents[2]
TAKEN_BACK = ["one", "two begun", "undo two", "undone two", "undo one", "undone one"]


@dataclass
class Terminal:
    """An interactive shell in a terminal of its own, with a run in its foreground."""

    folder: Path
    shell: int
    master: int
    seen: str = ""

    def diary(self) -> list[str]:
        path = self.folder / "diary"
        return path.read_text().splitlines() if path.exists() else []

    def until(self, line: str) -> None:
        self._wait(lambda: line in self.diary(), f"{line!r} never came: {self.diary()} {self.seen[-2000:]}")

    def until_shown(self, text: str) -> None:
        self._wait(lambda: text in self.seen, f"{text!r} was not shown: {self.seen[-2000:]!r}")

    def code(self) -> int:
        path = self.folder / "code"
        self._wait(path.exists, f"it does not end: {self.diary()} {self.seen[-2000:]}")
        return int(path.read_text())

    def log(self) -> str:
        return next((self.folder / "state/schedgen/lab").glob("*.log")).read_text()

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def _wait(self, done: Callable[[], bool], text: str) -> None:
        end = time.monotonic() + 60
        while not done():
            assert time.monotonic() < end, text
            if self.master < 0:
                time.sleep(0.01)
            elif select.select([self.master], [], [], 0.01)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")


@contextmanager
def terminal(folder: Path, mode: str, term: str = "dumb") -> Iterator[Terminal]:
    folder.mkdir()
    env = {**os.environ, "SCHEDGEN_STATE": str(folder / "state"), "PYTHONPATH": str(ROOT), "TERM": term}
    line = shlex.join([sys.executable, str(PROGRAM), str(folder), mode])
    shell, master = pty.fork()
    if shell == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
    found = Terminal(folder, shell, master)
    os.write(master, f"{line}\n".encode())
    try:
        yield found
    finally:
        found.close()
        os.waitpid(shell, 0)


def test_a_closed_terminal_ends_the_run_and_everything_is_taken_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        terms = ("dumb", "xterm", "dumb", "xterm")
        all_ = [stack.enter_context(terminal(tmp_path / f"{n}", "works", t)) for n, t in enumerate(terms)]
        for each in all_:
            each.until("two begun")
        for each in all_:
            each.close()
        assert [each.code() for each in all_] == [4] * len(all_)
        assert [each.diary() for each in all_] == [TAKEN_BACK] * len(all_)
        for each in all_:
            assert "taking back one" in each.log()
            assert "interrupted: its terminal was closed (SIGHUP)" in each.log()


def test_a_terminal_closed_while_a_failed_run_is_taken_back_does_not_end_that(tmp_path: Path) -> None:
    with terminal(tmp_path / "a", "fails") as one:
        one.until("undo two")
        one.close()
        assert one.code() == 4
        assert one.diary() == TAKEN_BACK
        assert "it failed" in one.log()


@pytest.mark.parametrize(("answer", "code", "end"), [("n\n", 4, "undone one"), ("y\n", 5, "undo two")])
def test_ctrl_c_again_asks_while_the_taking_back_goes_on(
    answer: str, code: int, end: str, tmp_path: Path
) -> None:
    with terminal(tmp_path / "a", "works") as one:
        one.until("two begun")
        one.press("\x03")
        one.until("undo two")
        one.press("\x03\x03")
        one.until_shown("Stop, and leave everything as it is now? [y/N]")
        one.press(answer)
        assert one.code() == code
        assert one.diary()[-1] == end
        assert one.seen.count("[y/N]") == 1


def test_a_question_that_nobody_answers_is_in_nobodys_way(tmp_path: Path) -> None:
    with terminal(tmp_path / "a", "works") as one:
        one.until("two begun")
        one.press("\x03")
        one.until("undo two")
        one.press("\x03")
        assert one.code() == 4
        assert one.diary() == TAKEN_BACK
        one.until_shown("ERROR: interrupted from the keyboard")


def test_the_end_of_a_run_that_went_well_is_not_cut_off(tmp_path: Path) -> None:
    with terminal(tmp_path / "a", "cleans") as one, terminal(tmp_path / "b", "cleans") as other:
        one.until("cleaning")
        one.press("\x03")
        one.until_shown("It serves. Stop cleaning up? [y/N]")
        other.until("cleaning")
        other.close()
        for each in (one, other):
            (each.folder / "go").touch()
        assert (one.code(), other.code()) == (0, 0)
        assert one.diary()[-1] == other.diary()[-1] == "cleaned"


# What is left in `sys.modules` goes when the interpreter has taken its own handlers of signals away.
_LATE = """
import os, signal, sys
from schedgen_ops.interrupts import Interrupts
class Late:
    def __del__(self): os.kill(os.getpid(), signal.SIGHUP)
ends = Interrupts()
with ends.installed():
    ends.back()
    os.kill(os.getpid(), signal.SIGHUP)
sys.modules["late"] = Late()
sys.exit(3)
"""


def test_a_terminal_that_closes_once_more_at_the_very_end_does_not_change_the_exit_code() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", _LATE], env=env, check=False).returncode == 3


def test_without_a_terminal_signals_after_the_first_are_passed_over_and_said(tmp_path: Path) -> None:
    env = {**os.environ, "SCHEDGEN_STATE": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(PROGRAM), str(tmp_path), "works", "run"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, text=True, env=env) as process:
        one = Terminal(tmp_path, 0, -1)
        one.until("two begun")
        process.send_signal(signal.SIGTERM)
        one.until("undo two")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 4
    assert one.diary() == TAKEN_BACK
    assert "A signal was passed over, there is no terminal to ask on" in said


def test_a_run_under_nohup_stays_deaf_to_the_end_of_the_terminal(tmp_path: Path) -> None:
    env = {**os.environ, "SCHEDGEN_STATE": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, str(PROGRAM), str(tmp_path), "ends", "run"]
    deaf = ["bash", "-c", 'trap "" HUP; exec "$@"', "bash", *words]
    with subprocess.Popen(deaf, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=env) as process:
        one = Terminal(tmp_path, 0, -1)
        one.until("two begun")
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
    assert one.diary() == ["one", "two begun"]
