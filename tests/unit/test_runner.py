"""Steps run in order, told in pairs, and taken back in reverse when one fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops.errors import ConnectionLost, LockHeld, OpsError, Refused, RolledBack, VerificationFailed
from schedgen_ops.events import Event, Message, Output, StepFailed, StepFinished, StepStarted
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step


def boom() -> OpsError:
    """Another one for each test: a runner writes into it where it failed."""
    return OpsError("the disk is full", hint="free some", host="app1", detail="df said so")


class Diary:
    """Steps that write down what happens to them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.events: list[Event] = []
        self.clock = FakeClock()
        self.runner = StepRunner(self.events.append, self.clock)

    def step(
        self,
        title: str,
        error: BaseException | None = None,
        *,
        undo_error: BaseException | None = None,
        undo: bool = True,
        gate: bool = False,
        settles: bool = False,
    ) -> Step:
        return Step(
            "",
            title,
            self._writes(title, error),
            self._writes(f"undo {title}", undo_error) if undo else None,
            gate,
            settles,
        )

    def _writes(self, line: str, error: BaseException | None) -> Callable[[], None]:
        def action() -> None:
            self.lines.append(line)
            self.clock.advance(2)
            if error is not None:
                raise error

        return action

    def fails(self, *steps: Step) -> OpsError:
        with pytest.raises(OpsError) as caught:
            self.runner.run(steps)
        return caught.value


def test_steps_run_in_order_and_their_times_are_kept() -> None:
    diary = Diary()
    diary.runner.run([diary.step("build"), diary.step("roll")])
    assert diary.lines == ["build", "roll"]
    assert diary.runner.durations == [("build", 2.0), ("roll", 2.0)]
    assert diary.events == [
        StepStarted("", "build"),
        StepFinished("", "build", 2.0),
        StepStarted("", "roll"),
        StepFinished("", "roll", 2.0),
    ]


def test_a_failure_takes_back_what_was_begun_in_reverse_the_failed_step_first() -> None:
    diary = Diary()
    error = diary.fails(
        diary.step("pull"), diary.step("build"), diary.step("roll", boom()), diary.step("verify")
    )
    assert diary.lines == ["pull", "build", "roll", "undo roll", "undo build", "undo pull"]
    assert isinstance(error, RolledBack)
    assert error.exit_code == 4


def test_the_failure_reaches_the_operator_whole() -> None:
    diary = Diary()
    error = diary.fails(diary.step("roll", boom()))
    assert (error.message, error.hint, error.host, error.detail) == (
        "the disk is full",
        "free some",
        "app1",
        "df said so",
    )
    assert error.step == "roll"
    assert StepFailed("", "roll", 2.0, "the disk is full") in diary.events


def test_a_step_that_has_nothing_to_take_back_is_passed_over() -> None:
    diary = Diary()
    diary.fails(diary.step("back up", undo=False), diary.step("roll", boom()))
    assert diary.lines == ["back up", "roll", "undo roll"]


@pytest.mark.parametrize("error", [Refused("dirty"), LockHeld("bob"), ConnectionLost("gone"), OpsError("no")])
def test_the_error_of_a_gate_is_passed_on_as_it_is(error: OpsError) -> None:
    diary = Diary()
    assert diary.fails(diary.step("preflight", error, gate=True)) is error
    assert diary.lines == ["preflight"]


def test_ctrl_c_at_a_gate_is_a_refusal() -> None:
    error = (diary := Diary()).fails(diary.step("preflight", KeyboardInterrupt(), gate=True))
    assert isinstance(error, Refused)


def test_ctrl_c_in_a_step_takes_everything_back() -> None:
    diary = Diary()
    error = diary.fails(diary.step("pull"), diary.step("roll", KeyboardInterrupt()))
    assert error.exit_code == 4
    assert "interrupted" in error.message
    assert diary.lines[-2:] == ["undo roll", "undo pull"]


def test_what_a_settled_step_ended_is_never_taken_back() -> None:
    diary = Diary()
    error = diary.fails(
        diary.step("roll"), diary.step("verify", settles=True), diary.step("clean", VerificationFailed("x"))
    )
    assert diary.lines == ["roll", "verify", "clean"]
    assert error.exit_code == 6


def test_a_settling_step_that_fails_settles_nothing() -> None:
    diary = Diary()
    assert diary.fails(diary.step("roll"), diary.step("verify", boom(), settles=True)).exit_code == 4
    assert diary.lines[-2:] == ["undo verify", "undo roll"]


def test_a_failure_to_take_back_needs_a_human_and_the_others_are_taken_back() -> None:
    diary = Diary()
    stuck = OpsError("grafana does not start", host="app2", detail="port in use")
    error = diary.fails(diary.step("pull"), diary.step("build", undo_error=stuck), diary.step("roll", boom()))
    assert error.exit_code == 5
    assert error.message == "the disk is full; then taking back 'build' failed: grafana does not start"
    assert error.host == "app2"
    assert error.step == "roll"
    assert error.detail == "df said so\nport in use"
    assert "inv status" in error.hint
    assert diary.lines == ["pull", "build", "roll", "undo roll", "undo build", "undo pull"]


def test_every_step_that_could_not_be_taken_back_is_named() -> None:
    diary = Diary()
    lost = ConnectionLost("the connection died")
    error = diary.fails(diary.step("pull", undo_error=lost), diary.step("roll", boom(), undo_error=lost))
    assert "taking back 'roll', 'pull' failed: the connection died" in error.message


def test_ctrl_c_while_taking_back_ends_it_at_once() -> None:
    diary = Diary()
    error = diary.fails(diary.step("pull"), diary.step("roll", boom(), undo_error=KeyboardInterrupt()))
    assert error.exit_code == 5
    assert "taking back 'roll' failed: interrupted from the keyboard" in error.message
    assert diary.lines == ["pull", "roll", "undo roll"]


def test_a_defect_is_taken_back_like_any_failure_and_its_traceback_is_kept() -> None:
    diary = Diary()
    error = diary.fails(diary.step("pull"), diary.step("roll", ZeroDivisionError("division by zero")))
    assert error.exit_code == 4
    assert error.message == "Unexpected ZeroDivisionError: division by zero"
    assert diary.lines[-2:] == ["undo roll", "undo pull"]
    told = [event.text for event in diary.events if isinstance(event, Output)]
    assert told[0].startswith("Traceback")


def test_a_defect_while_taking_back_needs_a_human() -> None:
    diary = Diary()
    error = diary.fails(diary.step("pull", undo_error=KeyError("x")), diary.step("roll", boom()))
    assert error.exit_code == 5
    assert "KeyError" in error.message


def test_what_serves_is_said_only_after_everything_was_taken_back() -> None:
    diary = Diary()
    diary.runner.serving = lambda: f"v1.2.2 serves after {len(diary.lines)} actions"
    diary.fails(diary.step("pull"), diary.step("roll", boom()))
    assert diary.events[-1] == Message("info", "v1.2.2 serves after 4 actions")


def test_what_serves_is_not_said_when_it_is_not_known() -> None:
    diary = Diary()
    diary.runner.serving = lambda: "v1.2.2 serves"
    diary.fails(diary.step("roll", boom(), undo_error=boom()))
    assert not [event for event in diary.events if isinstance(event, Message)]


PLANS = st.lists(
    st.tuples(
        st.sampled_from([None, None, None, boom(), KeyboardInterrupt(), ValueError("x")]),
        st.sampled_from([None, None, boom()]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=6,
)


@quickly
@given(PLANS)
def test_whatever_the_plan_events_pair_and_nothing_is_undone_that_was_not_begun(
    plan: list[tuple[BaseException | None, BaseException | None, bool, bool]],
) -> None:
    diary = Diary()
    steps = [
        diary.step(str(number), error, undo_error=undo_error, undo=undo, settles=settles)
        for number, (error, undo_error, undo, settles) in enumerate(plan)
    ]
    try:
        diary.runner.run(steps)
        failed = False
    except OpsError:
        failed = True
    assert failed == any(error is not None for error, _, _, _ in plan)
    begun = [event.title for event in diary.events if isinstance(event, StepStarted)]
    assert begun == [e.title for e in diary.events if isinstance(e, StepFinished | StepFailed)]
    undone = [line.removeprefix("undo ") for line in diary.lines if line.startswith("undo ")]
    assert undone == sorted(set(undone), key=int, reverse=True)
    assert set(undone) <= set(begun)
