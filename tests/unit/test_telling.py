"""Which lines of a failure an operator gets to read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops.log_excerpt import GAP, telling

LINE = st.sampled_from(
    [
        "Error: boom",
        "  at Object.<anonymous> (/app/x.js:1:2)",
        "",
        "npm error code 1",
        "Step 3/9",
        "done",
        "{",
        "  }",
    ]
)


def shown(lines: list[str], most: int = 15) -> list[str]:
    return [line for line in telling(lines, most) if line != GAP]


def test_a_short_output_is_shown_whole() -> None:
    assert telling(["one", "two"]) == ("one", "two")


def test_nothing_is_shown_of_nothing() -> None:
    assert telling([]) == ()
    assert telling(["", "  "]) == ()


def test_the_first_error_is_shown_however_long_ago_it_was() -> None:
    lines = ["starting", "Error: relation jobs does not exist", *(f"cleaning {n}" for n in range(200))]
    found = telling(lines)
    assert found[0] == "Error: relation jobs does not exist"
    assert found[1] == GAP
    assert found[-1] == "cleaning 199"


def test_a_stack_trace_is_told_by_its_error_alone() -> None:
    lines = [
        "npm error code ELIFECYCLE",
        "QueryFailedError: column already exists",
        "    at PostgresQueryRunner.query (/app/node_modules/typeorm/driver.js:219:19)",
        "    at async run (/app/migrate.js:12:3) {",
        "  query: undefined,",
        "  length: 116,",
        "  severity: 'ERROR',",
        "}",
    ]
    assert telling(lines) == ("npm error code ELIFECYCLE", "QueryFailedError: column already exists")


@pytest.mark.parametrize("name", ["npm error", "npm ERR!", "pnpm err"])
def test_a_name_without_a_word_and_where_its_log_is_tell_nothing(name: str) -> None:
    lines = [
        f"{name} code 1",
        f"{name} ",
        f"{name} command failed",
        name,
        f"{name} A complete log of this run can be found in: /root/.npm/_logs/1.log",
    ]
    assert telling(lines) == (f"{name} code 1", f"{name} command failed")
    assert telling([name]) == (name,)


def test_lines_end_where_their_text_ends() -> None:
    assert telling(["Error: x   \r"]) == ("Error: x",)


@quickly
@given(st.lists(LINE, max_size=60), st.integers(1, 20))
def test_never_more_than_asked_always_in_order_always_the_end(lines: list[str], most: int) -> None:
    found = shown(lines, most)
    assert len(found) <= most
    rest = iter(lines)
    assert all(any(line == other.rstrip() for other in rest) for line in found)
    matter = shown(lines, 1000)
    assert found[-1:] == matter[-1:]
    if len(matter) <= most // 3:
        assert found == matter


@quickly
@given(st.lists(LINE, max_size=60), st.integers(3, 20))
def test_the_first_line_that_speaks_of_an_error_is_there(lines: list[str], most: int) -> None:
    signs = [line for line in lines if "rror" in line]
    found = shown(lines, most)
    assert [line for line in found if "rror" in line][:1] == signs[:1]


@quickly
@given(st.lists(LINE, max_size=60))
def test_a_gap_stands_only_between_lines(lines: list[str]) -> None:
    found = telling(lines)
    assert found[:1] != (GAP,)
    assert found[-1:] != (GAP,)
    assert (GAP, GAP) not in pairwise(found)
