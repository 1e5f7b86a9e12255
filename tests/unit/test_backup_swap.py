"""The swap's own script, run for real on an engine made of files; what it cannot see is not healthy."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from kit import BACKUP, DATABASE, OBJECTS, bash, path, program, settings

from schedgen_ops.backup.create import scripts
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import half, swap
from schedgen_ops.commands import stopped
from schedgen_ops.commands.docker import Docker
from schedgen_ops.remote import Result

# The databases' names are not what is tried here: psql says yes to everything.
DOCKER = """
case $1 in
  exec) cat >/dev/null ;;
  inspect) eval "$INSPECT" ;;
  *) echo "$*" >> log ;;
esac
"""


def swapped(tmp_path: Path, inspect: str) -> Result:
    programs = program(tmp_path / "bin", "docker", DOCKER).parent
    location = DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS)
    command = swap.swap(location, "state/lock", ("one", "two"), 1, "{}")
    return bash(command, tmp_path, PATH=path(programs), INSPECT=inspect)


@pytest.mark.parametrize(
    ("inspect", "seen"),
    [
        ("exit 1", "docker inspect failed"),
        ("echo '/one running healthy'; exit 1", "docker inspect failed"),
        ("echo '/one running healthy'", ""),
        (":", ""),
        ("echo '/one running healthy'; echo '/two running starting'", "two running starting"),
        ("echo '/one running none'; echo '/two exited none'", "two exited none"),
    ],
)
def test_what_cannot_be_looked_at_is_not_healthy(tmp_path: Path, inspect: str, seen: str) -> None:
    answer = swapped(tmp_path, inspect)
    assert not answer.ok
    assert scripts.reason(answer.stderr)[0] == f"not healthy after 1s: {seen}"


def test_what_is_seen_healthy_is(tmp_path: Path) -> None:
    answer = swapped(tmp_path, "echo '/one running healthy'; echo '/two running none'")
    assert answer.ok, answer.stderr
    assert swap.parse_gap(answer.stdout) >= 0
    assert (tmp_path / "log").read_text().splitlines() == ["stop one two", "start one two"]


# What stops containers waits at a gate until a test opens it.
GATED = """
case $1 in
  exec) cat >/dev/null ;;
  inspect) shift 3; for each; do echo "/$each running healthy"; done ;;
  stop) touch begun; cat gate >/dev/null; echo stopped >> log ;;
  *) echo "$1" >> log ;;
esac
"""


def test_a_swap_that_nobody_listens_to_ends_what_it_began_and_the_next_one_waits(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "docker", GATED).parent
    os.mkfifo(tmp_path / "gate")
    location = DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS)
    command = swap.swap(location, "state/lock", ("one",), 1, "{}")
    words = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
    env = {"PATH": path(programs), "HOME": str(tmp_path)}
    with subprocess.Popen(
        words, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, start_new_session=True
    ) as run:
        end = time.monotonic() + 20
        while not (tmp_path / "begun").exists() and time.monotonic() < end:
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGKILL)
    busy = subprocess.run(["flock", "--nonblock", "state/lock", "true"], cwd=tmp_path, check=False)
    assert busy.returncode == 1
    assert not (tmp_path / "log").exists()
    (tmp_path / "gate").write_text("")
    subprocess.run(["flock", "--timeout", "20", "state/lock", "true"], cwd=tmp_path, check=True)
    assert (tmp_path / "log").read_text().splitlines() == ["stopped", "start"]


# An engine of two clients and a database; what is noted while the database is renamed is kept as `seen`.
NOTED = """
case $1 in
  exec) cat >/dev/null; cp state/swapping seen ;;
  inspect)
    format=$3
    shift 3
    for each; do
      case $format in *Health*) echo "/$each running healthy" ;; *) echo "$each exited" ;; esac
    done
    ;;
  *) echo "$*" >> log ;;
esac
"""


def test_while_data_is_of_different_times_the_host_knows_and_not_any_longer(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "docker", NOTED).parent
    location = DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS)
    note = swap.Note(BACKUP.id, "20250115_120000", ("database",))
    for back in (False, True):
        command = swap.swap(location, "state/lock", ("one",), 1, note.text(), back=back)
        assert bash(command, tmp_path, PATH=path(programs)).ok
        assert swap.parse_note((tmp_path / "seen").read_text()) == note
        assert not (tmp_path / "state/swapping").exists()


def test_after_a_reboot_in_the_middle_nobody_is_started_before_the_old_data_is_back(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "docker", NOTED).parent
    state = tmp_path / "state"
    (state / "stopped").mkdir(parents=True)
    (state / "stopped/data").write_text("one\ntwo\n")
    (state / "stopped/other").write_text("three\n")
    (state / "swapping").write_text("what is known\n")
    answer = bash(stopped.start(Docker(), str(state)), tmp_path, PATH=path(programs))
    assert answer.stdout.splitlines() == ["swapping what is known"]
    assert not (tmp_path / "log").exists()
    assert len(list((state / "stopped").iterdir())) == 2


def test_who_puts_the_old_data_back_starts_what_had_been_stopped_for_it(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "docker", NOTED).parent
    (tmp_path / "state/stopped").mkdir(parents=True)
    (tmp_path / "state/stopped/data").write_text("one\ntwo\n")
    location = DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS)
    command = swap.swap(location, "state/lock", (), 1, "{}", back=True)
    answer = bash(command, tmp_path, PATH=path(programs))
    assert answer.ok, answer.stderr
    assert (tmp_path / "log").read_text().splitlines()[-1] == "start one two"
    assert not (tmp_path / "state/stopped/data").exists()


@pytest.mark.parametrize(
    "line", ["", "{}", '{"backup": "../x", "stamp": "20250115_120000", "parts": []}', '{"backup": 1}']
)
def test_what_names_no_backup_is_no_note(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json's own, or ours)
        swap.parse_note(line)


def test_the_note_of_an_exchange_is_found_and_who_exchanges_now_is_no_note(tmp_path: Path) -> None:
    chosen = settings("app1", directory=str(tmp_path))
    state = tmp_path / ".schedgen"
    assert bash(half.ask(chosen), tmp_path).lines() == ()
    state.mkdir()
    (state / "restore.lock").touch()
    (state / "swapping").write_text("what is known\n")
    assert half.note_in(bash(half.ask(chosen), tmp_path).lines()) == "what is known"
    words = ["flock", str(state / "restore.lock"), "sh", "-c", "echo; cat"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:
        assert held.stdin is not None
        assert held.stdout is not None
        held.stdout.readline()
        assert not bash(half.ask(chosen), tmp_path).ok
        held.stdin.close()
