"""What an operator reads when something went wrong."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from ui_kit import Tty

from schedgen_ops.errors import ConfigError, LockHeld, OpsError, Refused, RolledBack
from schedgen_ops.ui.failure import is_failure, of_exception, show


def shown(error: OpsError, log: Path | None = None) -> str:
    stream = io.StringIO()
    show(error, log, stderr=stream)
    return stream.getvalue()


def test_every_part_has_its_line() -> None:
    error = LockHeld(
        "Somebody else deploys", hint="Wait, or\ninv deploy.unlock", host="app1", step="Lock", detail="a\nb"
    )
    assert shown(error, Path("/logs/run.log")) == (
        "ERROR: Somebody else deploys\n"
        "  host:    app1\n"
        "  step:    Lock\n"
        "    a\n"
        "    b\n"
        "  next:    Wait, or\n"
        "           inv deploy.unlock\n"
        "  log:     /logs/run.log\n"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert shown(OpsError("It broke")) == "ERROR: It broke\n"


def test_every_problem_of_a_config_is_listed() -> None:
    assert shown(ConfigError("2 problems", problems=("a.yaml:3: x", "a.yaml:9: y"))) == (
        "ERROR: 2 problems\n    a.yaml:3: x\n    a.yaml:9: y\n"
    )


def test_it_says_whether_something_changed() -> None:
    assert "nothing was changed" in shown(Refused("Work tree is dirty"))
    assert "the old release still serves" in shown(RolledBack("Undone"))


def test_the_first_line_is_red_on_a_terminal_and_plain_under_no_color() -> None:
    colour, plain = Tty(), Tty()
    show(OpsError("It broke"), stderr=colour, environ={"TERM": "xterm"})
    show(OpsError("It broke"), stderr=plain, environ={"TERM": "xterm", "NO_COLOR": "1"})
    assert colour.getvalue() == "\x1b[1;31mERROR: It broke\x1b[0m\n"
    assert plain.getvalue() == "ERROR: It broke\n"


class CodedExit(Exception):
    """An exit as task runners raise it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (Refused("No"), "No", 3),
        (KeyboardInterrupt(), "Interrupted", 130),
        (ZeroDivisionError("division by zero"), "Unexpected ZeroDivisionError: division by zero", 5),
        (CodedExit("Bad option", 2), "Bad option", 2),
        (SystemExit(3), "3", 3),
    ],
)
def test_any_exception_has_a_message_and_a_code(error: BaseException, message: str, code: int) -> None:
    failure = of_exception(error)
    assert (failure.message, failure.code) == (message, code)
    assert is_failure(error)


def test_an_exit_with_code_0_is_no_failure() -> None:
    assert not is_failure(SystemExit(0))
    assert not is_failure(SystemExit())
    assert not is_failure(CodedExit("", 0))
