"""A host that behaves like one, and on which anything can go wrong at any command.

A command answers with an error, the connection is lost before or after it took effect, Ctrl-C arrives, or it
says something that nobody can read.
"""

from __future__ import annotations

import functools
import re
import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import simulated_answers
import simulated_data
import simulated_doctor
import simulated_guard
import simulated_rollout
from fakes import FakeHold, FakeHost, result
from simulated_world import Words, World, fresh

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

TITLES = {
    **simulated_doctor.TITLES,
    **simulated_data.TITLES,
    **simulated_rollout.TITLES,
    **simulated_answers.TITLES,
}
SCRIPTS = {**simulated_guard.SCRIPTS, **simulated_rollout.SCRIPTS, **simulated_doctor.SCRIPTS}
LINES = {**simulated_rollout.LINES, **simulated_answers.LINES, **simulated_doctor.LINES}
_IN_DIR = re.compile(r"cd -- (\S+) && \{ (.*); \}\Z", re.S)


@dataclass(frozen=True)
class Fault:
    """What goes wrong at which command: `error` is raised or, if it is a number, the exit code.

    Attributes:
        at: how many commands come before it; with `named`, how many of that name.
        named: what the command has to match: those that run beside each other have no fixed place.
        after: the command takes effect all the same.
        said: what it prints instead of its answer.
        lasts: every command after it fails too.
    """

    at: int
    error: type[BaseException] | int = 0
    after: bool = False
    said: str | None = None
    lasts: bool = False
    named: str = ""

    def meets(self, asked: Sequence[str]) -> bool:
        """Whether it is the turn of the last command of `asked`."""
        fits = [bool(re.search(self.named, name)) for name in asked]
        return sum(fits) > self.at if self.lasts else fits[-1] and sum(fits) - 1 == self.at


class SimHost(FakeHost):
    """A host with a world. `asked` has every command, in order."""

    def __init__(self, name: str = "app1", world: World | None = None, fault: Fault | None = None) -> None:
        super().__init__(name)
        self.world = world.copy() if world else fresh()
        self.fault = fault
        self.asked: list[str] = []
        self._one_at_a_time = threading.RLock()

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> FakeHold:
        held = FakeHold(self._reply(command, deadline).stdout, on_line)
        self.holds.append(held)
        return held

    def _reply(self, command: Command, deadline: float) -> Result:
        # Independent services are replaced by a thread each.
        with self._one_at_a_time:
            return self._met(command)

    def _met(self, command: Command) -> Result:
        self.asked.append(str(command))
        fault = self.fault if self.fault and self.fault.meets(self.asked) else None
        if fault is None:
            return self._answer(command)
        if fault.after:
            self._answer(command)
        if fault.said is not None:
            return result(fault.said)
        if isinstance(fault.error, int):
            return result(stderr="a fault", code=fault.error)
        if fault.error is ConnectionLost:
            raise ConnectionLost("the connection died", host=self.name)
        raise fault.error

    def _answer(self, command: Command) -> Result:
        values = dict(command.values)
        if script := SCRIPTS.get(command.script):
            return script(self.world, values, _text(command))
        title, words = command.title, Words(_words(command.text))
        if command.script == "verify/inside":
            words = Words(values["words"])  # type: ignore[arg-type]
        words.values = values
        for start, handler in TITLES.items():
            if title.startswith(start):
                return handler(self.world, words, _text(command))
        line = " ".join(words)
        for start, handler in LINES.items():
            if line.startswith(start):
                return handler(self.world, words, _text(command))
        raise AssertionError(f"{self.name} was not expected to run: {title or line}")


@functools.cache
def _words(text: str) -> tuple[str, ...]:
    match = _IN_DIR.match(text)
    words = shlex.split(match[2] if match else text)
    # A script's own text and its title say nothing that its arguments do not.
    return tuple(words[6:] if words[:3] == ["bash", "-o", "pipefail"] else words)


def _text(command: Command) -> str:
    return command.stdin.decode() if isinstance(command.stdin, bytes) else command.stdin or ""
