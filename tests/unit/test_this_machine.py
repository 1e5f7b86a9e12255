"""Commands of a host that are run here: real ones, by bash, and their end."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from schedgen_ops.errors import CommandFailed, CommandTimedOut
from schedgen_ops.shell import Command, Secret, sh
from schedgen_ops.this_machine import ThisMachine


def test_what_it_prints_is_returned_and_what_is_given_is_read() -> None:
    machine = ThisMachine()
    told = machine.run(Command("cat; echo two >&2").with_stdin("it's\n$HOME"), deadline=60)
    assert (told.stdout, told.stderr, told.code) == ("it's\n$HOME", "two\n", 0)
    assert machine.run(Command("false | true"), deadline=60, check=False).code == 1
    with pytest.raises(CommandFailed, match="exit code 3") as failed:
        machine.run(Command("echo why >&2; exit 3"), deadline=60)
    assert (failed.value.host, failed.value.detail) == ("this machine", "why")
    with pytest.raises(ValueError, match="no secrets"):
        machine.run(sh("true").with_secret("A", Secret("x")), deadline=60)


def test_lines_come_one_by_one_however_many() -> None:
    said: list[str] = []
    count = 50_000
    ThisMachine().stream(Command(f"seq {count}; echo last >&2"), said.append, deadline=60)
    assert len(said) == count + 1
    assert said[-1] == "last"


def test_a_deadline_ends_it_and_says_so() -> None:
    with pytest.raises(CommandTimedOut, match=r"was ended after 0\.3 s"):
        ThisMachine().run(sh("sleep", "600"), deadline=0.3)


def _runs(pid: int) -> bool:
    """Whether there is such a process that has not ended: nobody may have taken notice of its end."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_an_interrupt_ends_all_that_it_started(tmp_path: Path) -> None:
    machine, errors = ThisMachine(), []
    command = Command(f"sleep 600 & echo $! > {tmp_path}/pid; wait")

    def work() -> None:
        try:
            machine.stream(command, lambda _: None, deadline=600)
        except CommandFailed as error:
            errors.append(str(error))

    worker = Thread(target=work)
    worker.start()
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip()):
        time.sleep(0.02)
    machine.interrupt()
    worker.join(30)
    assert [error.endswith("was ended, since the run was") for error in errors] == [True]
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 30
    while _runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not _runs(pid)
    # The next command is none that was interrupted.
    assert machine.run(sh("echo", "on"), deadline=60).text == "on"
