"""The swap's own script, run for real on an engine made of files; what it cannot see is not healthy."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from kit import DATABASE, OBJECTS, bash, path, program

from schedgen_ops.backup.create import scripts
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import swap
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
    command = swap.swap(location, "state/lock", ("one", "two"), 1)
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
    command = swap.swap(location, "state/lock", ("one",), 1)
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
