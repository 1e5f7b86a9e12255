"""A step that runs beside the ones after it: what is waited for, and what a failure ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from fakes import FakeClock

from schedgen_ops.errors import OpsError, RolledBack
from schedgen_ops.events import Event, StepFailed, StepFinished, StepStarted
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step

PATIENCE = 10.0
FULL = "the disk is full"


class Hosts:
    """Commands that run until they are let go, or until they are interrupted."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.done: list[str] = []
        self._ended = threading.Event()
        self.runner = StepRunner(self.events.append, FakeClock(), interrupt=self._ended.set)

    def long(self, name: str, until: threading.Event | None = None) -> Callable[[], None]:
        """Runs until `until`; without it, until it is interrupted."""

        def action() -> None:
            assert (until or self._ended).wait(PATIENCE)
            if until is None:
                raise OpsError(f"{name} was killed")
            self.done.append(name)

        return action

    def quick(self, name: str, then: threading.Event | None = None) -> Callable[[], None]:
        def action() -> None:
            self.done.append(name)
            if then:
                then.set()

        return action

    def fails(self, *steps: Step) -> OpsError:
        with pytest.raises(OpsError) as caught:
            self.runner.run(steps)
        return caught.value

    def told(self, title: str) -> list[str]:
        """What was told of a step after its start."""
        return [
            event.message if isinstance(event, StepFailed) else "done"
            for event in self.events
            if isinstance(event, StepFinished | StepFailed) and event.title == title
        ]


def failing() -> None:
    raise OpsError(FULL, host="app1")


def test_the_steps_after_it_begin_while_it_runs_and_the_one_that_waits_begins_when_it_has_ended() -> None:
    hosts, built = Hosts(), threading.Event()
    hosts.runner.run(
        (
            Step("0", "back up", hosts.long("back up", built), beside=True),
            Step("1", "build", hosts.quick("build", then=built)),
            Step("2", "migrate", hosts.quick("migrate"), waits=True),
        )
    )
    assert hosts.done == ["build", "back up", "migrate"]
    assert [title for title, _ in hosts.runner.durations] == [
        event.title for event in hosts.events if isinstance(event, StepFinished)
    ]
    assert [event.title for event in hosts.events if isinstance(event, StepStarted)] == [
        "back up",
        "build",
        "migrate",
    ]


def test_when_it_fails_what_runs_meanwhile_is_ended_and_its_error_is_the_one_that_counts() -> None:
    hosts = Hosts()
    error = hosts.fails(
        Step("0", "back up", failing, beside=True),
        Step("1", "build", hosts.long("build"), undo=hosts.quick("undo build")),
        Step("2", "migrate", hosts.quick("migrate"), waits=True),
    )
    assert isinstance(error, RolledBack)
    assert (error.message, error.host, error.step) == (FULL, "app1", "back up")
    assert hosts.done == ["undo build"]
    assert hosts.told("back up") == [FULL]
    assert hosts.told("build") == ["ended, since 'back up' failed"]


def test_when_it_fails_after_the_others_the_one_that_waits_never_begins() -> None:
    hosts, built = Hosts(), threading.Event()

    def late() -> None:
        assert built.wait(PATIENCE)
        raise OpsError(FULL, host="app1")

    error = hosts.fails(
        Step("0", "back up", late, beside=True),
        Step("1", "build", hosts.quick("build", then=built), undo=hosts.quick("undo build")),
        Step("2", "migrate", hosts.quick("migrate"), undo=hosts.quick("undo migrate"), waits=True),
    )
    assert error.message == FULL
    assert hosts.done == ["build", "undo build"]
    assert hosts.told("migrate") == []


@pytest.mark.parametrize("how", [OpsError, KeyboardInterrupt], ids=["an error", "Ctrl-C"])
def test_when_another_fails_it_is_ended_before_anything_is_taken_back(how: type[BaseException]) -> None:
    hosts = Hosts()

    def fail() -> None:
        raise how(FULL)

    error = hosts.fails(
        Step("0", "back up", hosts.long("back up"), beside=True),
        Step("1", "build", fail, undo=hosts.quick("undo build")),
        Step("2", "migrate", hosts.quick("migrate"), waits=True),
    )
    assert error.step == "build"
    assert hosts.told("back up") == ["ended, since 'build' failed"]
    ends = [event.title for event in hosts.events if isinstance(event, StepFailed)]
    assert ends == ["build", "back up"]
    assert hosts.done == ["undo build"]


def test_a_plan_in_which_nothing_waits_for_it_is_refused_before_anything_runs() -> None:
    hosts = Hosts()
    with pytest.raises(ValueError, match="nothing waits for 'back up'"):
        hosts.runner.run((Step("0", "back up", hosts.quick("back up"), beside=True),))
    assert not hosts.done
