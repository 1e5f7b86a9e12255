"""Lines of a command's output, however the network cuts them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schedgen_ops.host.capture import Lines
from schedgen_ops.remote import TAIL
from schedgen_ops.shell import sh

MARK = b"\x1emark\x1e\n"
words = st.text(alphabet="ab c", max_size=5)


@given(lines=st.lists(words, max_size=3 * TAIL), sizes=st.lists(st.integers(1, 40), min_size=1))
def test_lines_are_the_same_however_they_are_cut(lines: list[str], sizes: list[int]) -> None:
    heard: list[str] = []
    found = Lines(sh("true"), MARK, heard.append)
    data = b"banner\n" + MARK + "".join(f"{line}\n" for line in lines).encode()
    position = 0
    for turn in range(len(data)):
        size = sizes[turn % len(sizes)]
        found.out(data[position : position + size])
        position += size
    assert heard == lines
    assert found.first == (lines[0] if lines else None)
    assert found.stdout.splitlines() == lines[-TAIL:]


def test_the_first_line_is_kept_when_all_the_output_comes_at_once() -> None:
    found = Lines(sh("true"), MARK, lambda _: None)
    found.out(MARK + b"ready\n" + b"more\n" * (10 * TAIL))
    assert found.first == "ready"
