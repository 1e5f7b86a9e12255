"""What the live view knows after each event, and what it makes of earlier runs."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ui_kit import STEPS, finished, runbook_run, started

from schedgen_ops.events import Event, Message, Output, Progress, StepFailed, StepFinished, StepStarted
from schedgen_ops.ui.board import Bar, Board, BoardStep, advance
from schedgen_ops.ui.estimate import Remaining, remaining, words
from schedgen_ops.ui.frame import window


def after(*events: Event) -> Board:
    return reduce(lambda board, event: advance(board, event, 100.0), events, Board())


def test_steps_go_from_pending_over_running_to_done() -> None:
    board = after(
        started(steps=(("1", "a"), ("2", "b"), ("3", "c"))),
        StepStarted("1", "a"),
        StepFinished("1", "a", 2.5),
        StepStarted("2", "b"),
    )
    assert [(step.state, step.seconds) for step in board.steps] == [
        ("done", 2.5),
        ("running", 0.0),
        ("pending", 0.0),
    ]


def test_a_step_that_nobody_announced_is_shown_too() -> None:
    assert [step.title for step in after(started(), StepStarted("", "Surprise")).steps] == ["Surprise"]


def test_the_tail_is_the_last_five_lines_of_the_running_step() -> None:
    outputs = tuple(Output(str(number)) for number in range(9))
    board = after(started(), StepStarted("1", "a"), *outputs)
    assert [output.text for output in board.tail] == ["4", "5", "6", "7", "8"]
    assert advance(board, StepFinished("1", "a", 1.0), 100.0).tail == ()
    assert len(advance(board, StepFailed("1", "a", 1.0, "no"), 100.0).tail) == 5


def test_a_hosts_worst_word_of_a_step_stays_its_mark() -> None:
    board = after(
        started("a", "b"), StepStarted("1", "x"), Message("error", "bad", "a"), Message("info", "good", "a")
    )
    assert [(line.level, line.text) for line in board.hosts] == [("error", "good"), ("", "")]
    assert [line.level for line in advance(board, StepStarted("2", "y"), 0).hosts] == ["", ""]


def test_each_measured_thing_has_one_bar_until_it_is_full() -> None:
    board = after(Progress("db", 1, 10), Progress("files", 1, 10), Progress("db", 5, 10))
    assert [(bar.told.label, bar.told.done) for bar in board.bars] == [("db", 5), ("files", 1)]
    assert [bar.told.label for bar in advance(board, Progress("db", 10, 10), 0).bars] == ["files"]


def test_a_bar_stays_while_its_step_runs_beside_others() -> None:
    steps = (("0", "backup"), ("1", "code"), ("2", "build"))
    board = after(started(steps=steps), StepStarted("0", "backup"), Progress("db", 1, 10))
    for event in (StepStarted("1", "code"), StepFinished("1", "code", 1.0), StepStarted("2", "build")):
        board = advance(board, event, 0)
        assert [bar.told.label for bar in board.bars] == ["db"]
    board = advance(board, StepFinished("0", "backup", 9.0), 0)
    assert advance(board, StepFinished("2", "build", 9.0), 0).bars == ()


def bar_after(*told: tuple[float, float], total: float = 1000) -> Bar:
    board = Board()
    for now, done in told:
        board = advance(board, Progress("db", done, total, "bytes"), now)
    return board.bars[0]


def test_a_bar_knows_its_pace_and_how_long_it_will_take() -> None:
    bar = bar_after((10, 100), (11, 150), (12, 200))
    assert (bar.rate, bar.left(12), bar.left(14), bar.left(99)) == (50, 16, 14, 0)
    assert (bar_after((10, 100)).rate, bar_after((10, 100)).left(10)) == (0, None)
    assert bar_after((10, 100), (11, 150), total=0).left(11) is None


def test_only_the_last_reports_make_the_pace() -> None:
    slow = [(float(second), float(second)) for second in range(100)]
    quick = [(100.0 + second, 100.0 + 20 * second) for second in range(12)]
    assert bar_after(*slow, *quick).rate == 20


def test_after_a_whole_run_every_step_is_done() -> None:
    board = after(*runbook_run("app1"))
    assert {step.state for step in board.steps} == {"done"}
    assert board.finished == finished()


BOARD = Board(
    100.0,
    (BoardStep("1", "a", "done", seconds=9), BoardStep("2", "b", "running", 100.0), BoardStep("3", "c")),
)


def test_what_is_left_is_the_rest_of_this_step_and_all_to_come() -> None:
    assert remaining(BOARD, {"a": 9, "b": 60, "c": 20}, 110.0) == Remaining(70.0, True)


def test_a_step_that_takes_longer_than_usual_adds_nothing() -> None:
    assert remaining(BOARD, {"b": 60, "c": 20}, 500.0) == Remaining(20.0, True)


def test_steps_without_a_history_make_it_a_lower_bound() -> None:
    assert remaining(BOARD, {"c": 20}, 110.0) == Remaining(20.0, False)
    assert remaining(BOARD, {}, 110.0) is None


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (None, ""),
        (Remaining(0.2, True), "almost done"),
        (Remaining(0.2, False), ""),
        (Remaining(7.3, True), "about 7 s left"),
        (Remaining(41.0, True), "about 40 s left"),
        (Remaining(200.0, False), "at least 3 min 15 s left"),
        (Remaining(1000.0, True), "about 17 min left"),
    ],
)
def test_estimates_are_said_no_more_precisely_than_they_are(left: Remaining | None, said: str) -> None:
    assert words(left) == said


@given(done=st.integers(0, 30), left=st.integers(0, 30), room=st.integers(3, 40))
def test_the_running_step_is_always_in_the_window(done: int, left: int, room: int) -> None:
    steps = (*(BoardStep("", "d", "done") for _ in range(done)), BoardStep("", "r", "running"))
    steps += tuple(BoardStep("", "p") for _ in range(left))
    first, last = window(steps, room)
    assert first <= done < last
    assert (last - first) + (first > 0) + (last < len(steps)) <= room


def test_all_steps_of_a_deploy_fit_a_usual_terminal() -> None:
    assert window(tuple(BoardStep(*step) for step in STEPS), 20) == (0, 10)
