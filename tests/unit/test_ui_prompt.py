"""Questions to the operator, on a real pseudo-terminal."""

from __future__ import annotations

import io
import os
import pty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest
from ui_kit import Face, started

from schedgen_ops.errors import ConfigError
from schedgen_ops.events import Message
from schedgen_ops.ui.prompt import choose, confirm

QUESTION = "Do you want to proceed with rollback?"
NOTES = (
    "WARNING: This will rollback to the previous deployment",
    "Backup location: ./backups/pre-deployment-20241130_143000",
)


@contextmanager
def typing(text: str) -> Iterator[TextIO]:
    """A terminal at which somebody has typed `text`; \x04 at the start of a line ends the input."""
    master, slave = pty.openpty()
    os.write(master, text.encode())
    try:
        with os.fdopen(slave) as stream:
            yield stream
    finally:
        os.close(master)


def ask(typed: str) -> tuple[bool, str]:
    out = io.StringIO()
    with typing(typed) as stdin:
        return confirm(QUESTION, stdin=stdin, out=out, notes=NOTES), out.getvalue()


def test_the_question_reads_as_in_the_runbook() -> None:
    answer, text = ask("yes\n")
    assert answer
    assert text == (
        "\n"
        "WARNING: This will rollback to the previous deployment\n"
        "Backup location: ./backups/pre-deployment-20241130_143000\n"
        "\n"
        "Do you want to proceed with rollback? (yes/no): "
    )


@pytest.mark.parametrize("typed", ["no\n", "NO\n", "\x04", "y\ny\ny\n", "\n\n\n"])
def test_anything_but_yes_is_no(typed: str) -> None:
    assert ask(typed)[0] is False


def test_a_slip_of_the_finger_is_asked_again() -> None:
    answer, text = ask("y\n Yes \n")
    assert answer
    assert text.count("Please type yes or no.") == 1


def test_without_a_terminal_the_option_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        confirm(QUESTION, stdin=io.StringIO("yes\n"), out=io.StringIO())
    assert "--yes" in caught.value.hint


def test_yes_answers_without_asking() -> None:
    face = Face(stdin=io.StringIO())
    with face.ui:
        assert face.ui.confirm(QUESTION, yes=True)
    assert face.out == ""


def test_with_json_the_question_stays_off_stdout() -> None:
    with typing("yes\n") as stdin:
        face = Face(json_output=True, stdin=stdin)  # type: ignore[arg-type]
        with face.ui:
            assert face.ui.confirm(QUESTION)
    assert QUESTION in face.err
    assert QUESTION not in face.out


def test_what_happens_during_a_question_is_shown_after_it() -> None:
    face = Face()
    with face.ui:
        face.ui.emit(started())
        with face.ui.paused():
            face.ui.emit(Message("info", "meanwhile"))
            assert "meanwhile" not in face.out
        assert face.out.endswith("[INFO] meanwhile\n")


def test_a_passphrase_needs_a_terminal() -> None:
    face = Face(stdin=io.StringIO("hunter2\n"))
    with pytest.raises(ConfigError), face.ui:
        face.ui.secret("Passphrase of ~/.ssh/id_ed25519")
    assert "hunter2" not in face.out + face.err


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("2\n", "shop"),
        (" shop \n", "shop"),
        ("\n", ""),
        ("\x04", ""),
        ("9\n0\nold\n", "old"),
        ("x\ny\nz\n", ""),
        ("\u0662\n\n", ""),
    ],
)
def test_one_of_several_is_chosen_by_number_or_name(typed: str, answer: str) -> None:
    out = io.StringIO()
    with typing(typed) as stdin:
        assert choose("Which\x1b[2J one?", ("old", "shop"), stdin=stdin, out=out) == answer
    assert "  1  old\n  2  shop\n1 to 2, or Enter to leave it open: " in out.getvalue()
    assert "\x1b" not in out.getvalue()
