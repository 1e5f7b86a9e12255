"""A script that has a lock to itself, and runs again in a session of its own."""

from __future__ import annotations

from pathlib import Path

from kit import bash

from schedgen_ops.host_scripts import library
from schedgen_ops.shell import script

WORDS = ("a b", "", "$(touch made)", "'\"", "last\n")
TEXT = f"""{library("alone")}
shift
alone 5 schedgen-alone "$PWD/locks/one" "$PWD/locks/two" || exit
printf '<%s>' "$@"
cat
"""


def test_it_has_its_words_and_what_is_on_its_stdin_again(tmp_path: Path) -> None:
    done = bash(script(TEXT, "first", *WORDS).with_stdin("said"), tmp_path)
    assert (done.stdout, done.stderr, done.code) == ("".join(f"<{word}>" for word in WORDS) + "said", "", 0)
    assert {path.name for path in tmp_path.iterdir()} == {"locks"}


def test_without_words_it_has_none(tmp_path: Path) -> None:
    text = f'{library("alone")}\nalone 5 schedgen-alone "$PWD/lock"\necho "$#"'
    assert bash(script(text), tmp_path).stdout == "0\n"
