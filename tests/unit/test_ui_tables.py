"""Results in columns."""

from __future__ import annotations

import io
import json

import pytest
from ui_kit import Tty

from schedgen_ops.text import size
from schedgen_ops.ui.tables import Column, Table, details, show
from schedgen_ops.ui.terminal import printable

BACKUPS = Table(
    (Column("Name"), Column("Size", show=size, key="bytes", right=True), "Note"),
    (("pre-deployment-1", 1536, None), ("daily", 12 * 1024**2, "kept [red]")),
)


def shown(table: Table, *, json_output: bool = False) -> str:
    stream = io.StringIO()
    show(table, json_output=json_output, stdout=stream)
    return stream.getvalue()


def drawn(table: Table, **environ: str) -> str:
    stream = Tty()
    show(table, stdout=stream, environ={"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "60"} | environ)
    return stream.getvalue()


def test_without_a_terminal_columns_are_aligned_text() -> None:
    assert shown(BACKUPS) == (
        "Name                  Size  Note\n"
        "pre-deployment-1   1.5 KiB\n"
        "daily             12.0 MiB  kept [red]\n"
    )


def test_json_has_the_values_not_the_words() -> None:
    assert json.loads(shown(BACKUPS, json_output=True)) == [
        {"name": "pre-deployment-1", "bytes": 1536, "note": None},
        {"name": "daily", "bytes": 12 * 1024**2, "note": "kept [red]"},
    ]


def test_on_a_terminal_a_table_is_drawn_and_foreign_text_is_no_markup() -> None:
    text = drawn(BACKUPS)
    assert "kept [red]" in text
    assert "12.0 MiB" in text
    assert "──" in text


@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_a_drawn_table_keeps_within_the_terminal_and_loses_nothing(columns: str) -> None:
    wide = Table(("Commit", "Subject"), (("a" * 12, "word " * 40),))
    text = "\n".join(map(printable, drawn(wide, COLUMNS=columns).splitlines()))
    assert max(map(len, text.splitlines())) <= int(columns)
    assert text.count("word") == 40


def test_an_empty_table_is_a_sentence_and_in_json_an_empty_list() -> None:
    empty = Table(("Name",), (), empty="No backup yet.")
    assert shown(empty) == drawn(empty) == "No backup yet.\n"
    assert json.loads(shown(empty, json_output=True)) == []


def test_properties_are_a_row_each_and_one_object_in_json() -> None:
    release = details((("Release", "v1.2.3"), ("By", "me")), title="Last deploy")
    assert shown(release) == "=== Last deploy ===\nRelease  v1.2.3\nBy       me\n"
    assert json.loads(shown(release, json_output=True)) == {"Release": "v1.2.3", "By": "me"}
    assert "v1.2.3" in drawn(release)


def test_a_cell_cannot_move_the_cursor_or_break_its_row() -> None:
    table = Table(("Subject",), (("one\ntwo\x1b[2J",),))
    assert shown(table) == "Subject\none two\n"
    assert "\x1b[2J" not in drawn(table)
