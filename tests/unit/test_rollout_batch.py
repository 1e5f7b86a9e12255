"""How many hosts have their services replaced at the same time: a number, or a part of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import minimal
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("batch", "hosts", "count"),
    [(1, 9, 1), (3, 2, 3), ("25%", 8, 2), ("25%", 7, 1), ("25%", 3, 1), ("100%", 7, 7), ("50%", 1, 1)],
)
def test_a_part_is_as_many_as_are_whole_and_never_none(batch: int | str, hosts: int, count: int) -> None:
    assert minimal(rollout={"batch": batch}).rollout.at_once(hosts) == count


@given(st.integers(1, 100), st.integers(1, 1000))
def test_a_part_is_never_more_than_it_says_but_for_one_host(percent: int, hosts: int) -> None:
    count = minimal(rollout={"batch": f"{percent}%"}).rollout.at_once(hosts)
    assert 1 <= count <= max(1, hosts * percent / 100)


@pytest.mark.parametrize("batch", [0, 1001, "0%", "101%", "25", "25 %", "%", "-5%", 2.5, True])
def test_what_is_neither_is_refused(batch: object) -> None:
    with pytest.raises(ValidationError, match="batch"):
        minimal(rollout={"batch": batch})
