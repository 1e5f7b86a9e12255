"""Names that git takes for a branch, a tag or a commit."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import in_a_shell

from schedgen_ops.commands import git as g

GOOD = (
    "main",
    "v1.2.3",
    "feature/new-feature",
    "3f2a9c1",
    "refs/tags/v1",
    "a",
    "release-1_2",
    "a@b",
    "x.y/z",
    "größe",
    "gro\u0308\u00dfe",
    "feature/🚀",
    "修正",
    "v1.2.3-rc.1",
    "a{b}",
    "a@",
)
BAD = (
    *("", "-x", "--upload-pack=id", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/"),
    *("a//b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "@", "HEAD", "a@{1}", "a\n", "\na", "a\x7f", "a\tb"),
    *("x" * 201, "é" * 101, "a\x85b", "a\u2028b", "a\ud800"),
)


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_git_takes_is_taken(name: str) -> None:
    assert g.is_ref_name(name)


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_git_or_a_shell_could_misread_is_refused(name: str) -> None:
    assert not g.is_ref_name(name)


PIECES = st.sampled_from(
    [*"abZ09._-/@{}~^:?*[\\ \t\n", "..", ".lock", "@{", "//", "HEAD", "é", "ö", "🚀", "$(id)", ";", "'"]
)


@in_a_shell
@given(st.lists(st.lists(PIECES, min_size=1, max_size=6).map("".join), min_size=1, max_size=150))
def test_no_name_is_taken_that_git_refuses(names: list[str]) -> None:
    taken = [name for name in names if g.is_ref_name(name)]
    assert not [name for name in taken if name.startswith("-")]
    loop = 'for name in "$@"; do git check-ref-format --branch "$name" >/dev/null 2>&1 || echo "$name"; done'
    done = subprocess.run(["bash", "-c", loop, "x", *taken], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode() == ""


def test_a_ref_is_a_name_that_git_takes_or_it_is_none() -> None:
    assert str(g.Ref("release/2.0")) == "release/2.0"
    with pytest.raises(ValueError, match="no name of a branch"):
        g.Ref("a..b")
