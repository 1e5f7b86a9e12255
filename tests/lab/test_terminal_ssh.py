"""`inv run` over a real sshd, typed in a terminal of its own and in pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import ROOT
from screen import INV, Screen
from sshd import Sshd, keygen


@pytest.fixture
def env(server: Sshd, tmp_path: Path) -> dict[str, str]:
    """An environment with one host, this machine, and the folder of the test as its directory."""
    ssh = {"config_file": None, "identity_file": str(server.key), "known_hosts": str(server.known_hosts)}
    host = {"name": "app1", "address": "127.0.0.1", "port": server.port}
    config = {"project": "p", "directory": str(tmp_path), "hosts": [host], "ssh": {**ssh, "agent": False}}
    (tmp_path / "term.yaml").write_text(json.dumps(config))
    own = {"SCHEDGEN_CONFIG": str(tmp_path), "SCHEDGEN_ENV": "term", "SCHEDGEN_STATE": str(tmp_path / "s")}
    return {**os.environ, **own, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for each in opened:
        each.close()


@pytest.fixture
def shell(screens: list[Screen], tmp_path: Path, env: dict[str, str]) -> Screen:
    """A shell on the host."""
    one = Screen(tmp_path, env, "run", "--", "sh", "-c", "PS1='$ ' exec sh -i")
    screens.append(one)
    one.until(r"\$ ")
    return one


def test_the_program_has_a_terminal_of_the_size_that_ours_has_and_gets(shell: Screen, tmp_path: Path) -> None:
    shell.type("stty size; echo is $TERM; tty; pwd\n")
    shell.until(r"30 100\r\n")
    shell.until(r"is xterm-256color\r\n/dev/pts/\d+\r\n" + str(tmp_path))
    shell.resize(61, 17)
    # Our terminal's size changes at once, the one there when it was told.
    shell.type("until stty size | grep -x '17 61'; do sleep 0.1; done; echo seen $((40 + 2))\n")
    shell.until("seen 42\r\n")
    shell.type("exit 7\n")
    assert shell.code() == 7


def test_ctrl_c_ends_what_runs_there_and_not_us(shell: Screen) -> None:
    # Who says it has the terminal by then, and no shell that is yet to hand it on.
    shell.type("sh -c 'echo begun $((40 + 2)); exec sleep 300'\n")
    shell.until("begun 42\r\n")
    shell.type("\x03")
    shell.until(r"\$ ")
    shell.type("echo still $((40 + 2))\n")
    shell.until("still 42\r\n")
    shell.type("\x04")
    assert shell.code() in (0, 130)


def test_colours_come_through(shell: Screen) -> None:
    shell.type("printf '\\033[31mred\\033[0m\\n'\n")
    shell.until("\x1b\\[31mred\x1b\\[0m")


def test_a_connection_that_is_cut_leaves_the_terminal_as_it_was(shell: Screen, server: Sshd) -> None:
    shell.type("printf '\\033[?1049h'; echo away $((40 + 2))\n")
    shell.until("away 42\r\n")
    server.cut()
    shell.until(r"\x1b\[\?1049l")
    shell.until("connection was lost while it ran")
    assert shell.code() == 8


def test_a_signal_that_ends_us_leaves_the_terminal_as_it_was(shell: Screen) -> None:
    os.kill(shell.program(), signal.SIGTERM)
    assert shell.code() == 130


def test_a_program_that_a_signal_ended_has_the_code_a_shell_gives_it(shell: Screen) -> None:
    shell.type("kill -9 $$\n")
    assert shell.code() == 137


def test_what_a_program_set_that_was_killed_is_as_it_was(shell: Screen) -> None:
    shell.type("printf '\\033[?1049h\\033[?25l\\033[?1003h'; echo away $((40 + 2)); kill -9 $$\n")
    shell.until("away 42\r\n")
    shell.until(r"\x1b\[\?1049l.*\x1b\[\?25h.*\x1b\[\?1003l")
    assert shell.code() == 137


def piped(env: dict[str, str], *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    line = [*INV, "run", "--", *words]
    return subprocess.run(line, env=env, input=stdin, capture_output=True, timeout=60, check=False)


def test_in_pipes_every_byte_comes_through_and_the_streams_stay_apart(env: dict[str, str]) -> None:
    data = bytes(range(256)) * 8192 + b"\xc3"
    ran = piped(env, "sh", "-c", "cat; echo apart >&2; exit 9", stdin=data)
    assert (ran.stdout == data, ran.stderr, ran.returncode) == (True, b"apart\n", 9)


def test_a_command_that_does_not_read_what_is_sent_ends_as_it_does(env: dict[str, str]) -> None:
    ran = piped(env, "head", "-c", "3", stdin=b"abcdef" * 1_000_000)
    assert (ran.stdout, ran.returncode) == (b"abc", 0)


def test_a_reader_that_goes_away_ends_the_command_there(env: dict[str, str], tmp_path: Path) -> None:
    line = [*INV, "run", "--", "sh", "-c", "echo $$ > pid; exec yes"]
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"y\n"
        process.stdout.close()
        assert process.wait(30) == 141
    there = Path("/proc") / (tmp_path / "pid").read_text().strip()
    end = time.monotonic() + 10
    while there.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not there.exists()


def test_status_is_watched_on_the_whole_terminal_until_ctrl_c(
    screens: list[Screen], tmp_path: Path, env: dict[str, str], server: Sshd
) -> None:
    one = Screen(tmp_path, env, "status", "--watch", "--every", "1")
    screens.append(one)
    one.until(r"\x1b\[\?1049h")
    one.until("No service is there")
    one.resize(70, 20)
    one.until("No service is there")
    server.cut()
    one.until("No service is there")
    one.type("\x03")
    one.until(r"\x1b\[\?1049l")
    assert one.code() == 0


def test_a_passphrase_is_asked_for_before_the_terminal_is_drawn_over(
    screens: list[Screen], tmp_path: Path, env: dict[str, str], server: Sshd
) -> None:
    locked = keygen(tmp_path / "locked", passphrase="open sesame")
    with (server.folder / "authorized_keys").open("a") as file:
        file.write(Path(f"{locked}.pub").read_text())
    config = json.loads((tmp_path / "term.yaml").read_text())
    config["ssh"]["identity_file"] = str(locked)
    (tmp_path / "term.yaml").write_text(json.dumps(config))
    one = Screen(tmp_path, env, "status", "--watch", "--every", "1")
    screens.append(one)
    asked = one.until("Passphrase for .*locked")
    assert "\x1b[?1049h" not in asked.string
    one.type("open sesame\n")
    one.until(r"\x1b\[\?1049h")
    one.until("No service is there")
    one.type("\x03")
    assert one.code() == 0
