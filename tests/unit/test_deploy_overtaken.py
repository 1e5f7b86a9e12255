"""A run loses its lock at any command: what others did meanwhile is never touched, and never talked over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from deploying import FIRST, SECOND, Outcome, deploy, deployed, untruths
from going_back import THIRD, roll_back
from simulated import Fault, SimHost
from simulated_world import NEW, NEXT, SERVICES, STATE, World, fresh

from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

BOB = '{"user": "bob", "machine": "desk", "command": "deploy", "release": "v9", "since": "09:30"}'
GATES = ("Pre-flight Checks", "Release and images")
THEIRS = "20250116_080000-ddddddd"


def held(world: World) -> None:
    """Somebody else is at work now."""
    world.held_by = BOB


def deployed_over(world: World) -> None:
    """Somebody else deployed, and is done."""
    world.files[f"{STATE}/current"] = THEIRS + "\n"
    for name in SERVICES:
        world.boxes[name] = replace(world.boxes[name], image="sha256:theirs", release=THEIRS)


def started_by_hand(world: World) -> None:
    """Containers that no record knows."""
    world.boxes["backend"] = replace(world.boxes["backend"], image="sha256:theirs", release=THEIRS)


class Overtaken(SimHost):
    """A host whose keeper ends after a command, whereupon something happens there.

    Attributes:
        changed: what was changed by then.
    """

    def __init__(self, world: World, at: int, happens: Callable[[World], None], fault: Fault | None) -> None:
        super().__init__(world=world, fault=fault)
        self.at, self.happens = at, happens
        self.changed: list[str] | None = None
        self.then: World | None = None
        self._together = False

    def _reply(self, command: Command, deadline: float) -> Result:
        early = self.then is None
        with self._one_at_a_time:
            sent_before = early and self.then is not None
            answer = super()._reply(command, deadline)
            if sent_before:
                # What was on its way from a step beside when it happened arrives all the same.
                self.changed, self.then = list(self.world.changed), self.world.copy()
            return answer

    def batch(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        # One script on the host: nobody can come between its commands.
        with self._one_at_a_time:
            self._together = True
            try:
                return super().batch(commands, deadline=deadline)
            finally:
                self._together = False
                self._look_at_the_time()

    def _met(self, command: Command) -> Result:
        try:
            return super()._met(command)
        finally:
            if not self._together:
                self._look_at_the_time()

    def _look_at_the_time(self) -> None:
        if self.then is not None or len(self.asked) <= self.at:
            return
        for hold in self.holds:
            hold.lost = hold.first.startswith("acquired")
        self.happens(self.world)
        self.changed, self.then = list(self.world.changed), self.world.copy()


@dataclass(frozen=True)
class Case:
    """A run that succeeds when nothing happens to it."""

    start: Callable[[], World]
    run: Callable[[SimHost], Outcome]

    def commands(self) -> list[str]:
        host = SimHost(world=self.start())
        assert self.run(host).code == 0
        return host.asked


def _twice() -> World:
    host = SimHost(world=deployed())
    assert deploy(host, branch="v1.2.4", run=SECOND).code == 0
    return host.world


CASES = {
    "the first deploy": Case(fresh, deploy),
    "a second deploy": Case(deployed, lambda host: deploy(host, branch="v1.2.4", run=SECOND)),
    "a rollback": Case(_twice, lambda host: roll_back(host, to=f"{FIRST}-{NEW[:7]}", run=THIRD)),
}


@pytest.mark.parametrize(
    ("name", "happens"),
    [
        ("the first deploy", deployed_over),
        ("a second deploy", held),
        ("a second deploy", deployed_over),
        ("a second deploy", started_by_hand),
        ("a rollback", held),
    ],
)
def test_nothing_of_somebody_elses_work_is_touched_and_it_needs_a_human(
    name: str, happens: Callable[[World], None]
) -> None:
    wrong: list[str] = []
    case = CASES[name]
    names = case.commands()
    last = max(number for number, name in enumerate(names) if name.startswith("serve"))
    for number in range(names.index("schedgen-lock") + 1, last):
        host = Overtaken(case.start(), number, happens, None)
        outcome = case.run(host)
        where = f"{number} {names[number][:50]}"
        if host.world.changed != host.changed or host.then is None:
            wrong.append(f"{where}: changed {host.world.changed[len(host.changed or ()) :]}")
        elif host.world.files != host.then.files or host.world.boxes != host.then.boxes:
            wrong.append(f"{where}: files or containers changed")
        text = f"{outcome.error} {outcome.events}"
        if outcome.code == 8 and outcome.failed_step in GATES:
            continue  # nothing was begun
        if outcome.code != 5:
            wrong.append(f"{where}: exit {outcome.code}: {outcome.error}")
        elif happens is held and "bob@desk, deploy v9 since 09:30" not in text:
            wrong.append(f"{where}: who is at work is not said: {outcome.error}")
        elif happens is deployed_over and THEIRS not in text:
            wrong.append(f"{where}: what serves is not said: {outcome.error}")
        if "old release serves" in text.lower():
            wrong.append(f"{where}: the old release is said to serve")
    assert not wrong, "\n".join(wrong)


def test_a_lock_that_nobody_took_meanwhile_is_taken_again_and_the_exit_code_tells_the_truth() -> None:
    wrong: list[str] = []
    names = CASES["a second deploy"].commands()
    for number in range(names.index("schedgen-lock") + 1, len(names)):
        host = Overtaken(deployed(), number, lambda _: None, None)
        outcome = deploy(host, branch="v1.2.4", run=SECOND)
        found = untruths(host, deployed(), outcome, f"{FIRST}-{NEW[:7]}", SECOND, NEXT)
        wrong += [f"{number} {names[number][:50]}: exit {outcome.code}: {text}" for text in found]
        before = not any(name.startswith("serve") for name in names[: number + 1])
        if outcome.code == 8 and outcome.failed_step in GATES:
            continue
        if before and (outcome.code != 4 or "the lock was lost" not in str(outcome.error)):
            wrong.append(f"{number} {names[number][:50]}: exit {outcome.code}: {outcome.error}")
    assert not wrong, "\n".join(wrong)


def test_the_lock_lost_while_a_failed_run_is_taken_back_stops_it_there() -> None:
    sick = replace(deployed(), sick=("frontend",))
    reference = SimHost(world=sick)
    assert deploy(reference, branch="v1.2.4", run=SECOND).code == 4
    failed = next(n for n, name in enumerate(reference.asked) if name.startswith("replace frontend"))
    for number in range(failed, len(reference.asked) - 2):
        host = Overtaken(sick, number, held, None)
        outcome = deploy(host, branch="v1.2.4", run=SECOND)
        assert host.world.changed == host.changed, reference.asked[number]
        # Where all was taken back before, the rest is looking, and the record's end.
        rest = reference.world.changed[len(host.world.changed) :]
        done = all("/release.json" in name for name in rest)
        assert outcome.code == 5 or (outcome.code == 4 and done), f"{reference.asked[number]}: {rest}"
