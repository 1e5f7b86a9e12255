"""Anything at all goes wrong at any command of a deploy: the exit code tells the truth."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
from deploying import (
    ADOPTED,
    ANSWER_LOST,
    DONE_THEN_INTERRUPTED,
    ERROR,
    FIRST,
    GARBAGE,
    INTERRUPTED,
    KILLED,
    NEVER_ARRIVES,
    commands,
    deploy,
    place,
    start,
    untruths,
)
from fakes import result
from simulated import Fault, SimHost
from simulated_world import COMMITS, NEW, fresh

from schedgen_ops.framing import CUT
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

CASES = {
    "answers with an error": (ERROR, True),
    "is killed halfway": (KILLED, True),
    "never arrives": (NEVER_ARRIVES, True),
    "is done, but its answer is lost": (ANSWER_LOST, True),
    "is interrupted": (INTERRUPTED, True),
    "is done, then interrupted": (DONE_THEN_INTERRUPTED, True),
    "says what nobody can read": (GARBAGE, True),
    "answers with an error, as do all after it": (replace(ERROR, lasts=True), True),
    "never arrives, nor does any after it": (replace(NEVER_ARRIVES, lasts=True), True),
    "of a second deploy is done, but its answer is lost": (ANSWER_LOST, False),
    "of a second deploy is done, then interrupted": (DONE_THEN_INTERRUPTED, False),
}


@pytest.mark.parametrize(("fault", "adopted"), CASES.values(), ids=CASES.keys())
def test_whichever_command_fails_the_exit_code_tells_the_truth(fault: Fault, adopted: bool) -> None:
    before, branch, run, old = start(adopted=adopted)
    commit = COMMITS[branch]
    wrong: list[str] = []
    for number, name in enumerate(commands(adopted=adopted)):
        host = SimHost(world=before, fault=replace(fault, at=number))
        outcome = deploy(host, branch=branch, run=run)
        found = untruths(host, before, outcome, old, run, commit)
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("fault", [ERROR, ANSWER_LOST, INTERRUPTED], ids=["error", "lost", "interrupted"])
def test_whatever_fails_while_taking_back_the_exit_code_tells_the_truth(fault: Fault) -> None:
    sick = replace(fresh(), sick=("frontend",))
    reference = SimHost(world=sick)
    assert deploy(reference).code == 4
    wrong: list[str] = []
    untagging = next(n for n, name in enumerate(reference.asked) if name.startswith("docker rmi"))
    for number in range(place("replace frontend$") + 1, untagging):
        host = SimHost(world=sick, fault=replace(fault, at=number))
        outcome = deploy(host)
        found = untruths(host, sick, outcome, ADOPTED, FIRST, NEW)
        wrong += [f"{number} {reference.asked[number][:60]}: {text}" for text in found]
        assert outcome.code in (4, 5)
    assert not wrong, "\n".join(wrong)


class Cut(SimHost):
    """A host that refuses one command's input, which did not arrive whole; what has none cannot be cut."""

    def _met(self, command: Command) -> Result:
        number = len(self.asked)
        if self.fault and number == self.fault.at and (command.stdin or command.secrets):
            self.asked.append(str(command))
            return result(
                stderr="its input did not arrive whole (10 of 200 bytes): nothing was run", code=CUT
            )
        return super()._met(command)


class Full(SimHost):
    """A host whose disk is full from one command on: what writes what it is sent fails, all else does not."""

    def _met(self, command: Command) -> Result:
        if self.fault and len(self.asked) >= self.fault.at and command.stdin:
            self.asked.append(str(command))
            return result(stderr="cat: write error: No space left on device", code=1)
        return super()._met(command)


@pytest.mark.parametrize("adopted", [True, False], ids=["first", "second"])
@pytest.mark.parametrize("kind", [Cut, Full], ids=["input cut", "disk full"])
def test_whatever_a_host_cannot_take_in_the_exit_code_tells_the_truth(
    kind: type[SimHost], adopted: bool
) -> None:
    before, branch, run, old = start(adopted=adopted)
    wrong: list[str] = []
    codes: set[int] = set()
    for number, name in enumerate(commands(adopted=adopted)):
        host = kind(world=before, fault=Fault(number, named="never"))
        outcome = deploy(host, branch=branch, run=run)
        codes.add(outcome.code)
        # A record that cannot be written stays begun for the next run, and that is told.
        told = "how it ended is not in the release's record" in str(outcome.events)
        found = untruths(host, before, outcome, old, run, COMMITS[branch])
        wrong += [
            f"{number} {name[:60]}: exit {outcome.code}, but {text}"
            for text in found
            if text != "the record is STARTED" or not told
        ]
    assert not wrong, "\n".join(wrong)
    assert codes > {0}


class Hanging(SimHost):
    """A host during whose command of that number the terminal is closed, and again at each later one."""

    def _met(self, command: Command) -> Result:
        if self.fault and len(self.asked) >= self.fault.at:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGHUP)
        return super()._met(command)


@pytest.fixture
def deaf() -> Iterator[None]:
    """What a thread still raises after its run is over ends no test."""
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("adopted", [True, False], ids=["first", "second"])
def test_a_terminal_closed_at_any_command_leaves_nothing_half_done(adopted: bool) -> None:
    before, branch, run, old = start(adopted=adopted)
    wrong: list[str] = []
    for number, name in enumerate(commands(adopted=adopted)):
        host = Hanging(world=before, fault=Fault(number, named="never"))
        with INTERRUPTS.installed():
            outcome = deploy(host, branch=branch, run=run)
        found = untruths(host, before, outcome, old, run, COMMITS[branch])
        wrong += [f"{number} {name[:60]}: exit {outcome.code}, but {text}" for text in found]
        if outcome.code not in (0, 3, 4):
            wrong.append(f"{number} {name[:60]}: exit {outcome.code}: {outcome.error}")
    assert not wrong, "\n".join(wrong)
