"""A script that has a lock to itself, and runs again in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
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


def test_who_outlives_a_script_that_was_killed_does_not_hold_what_was_its(tmp_path: Path) -> None:
    text = f"""{library("alone")}
alone 5 schedgen-alone "$PWD/lock" || exit
exec 3< <(let_go && echo gone && exec sleep 30)
echo "$! $$" > pids
read -r -u 3
kill -KILL $$
"""
    subprocess.run(["bash", "-c", text], cwd=tmp_path, check=False, timeout=20)
    left, _ = (tmp_path / "pids").read_text().split()
    try:
        free = ["flock", "--nonblock", str(tmp_path / "lock"), "true"]
        assert subprocess.run(free, check=False, timeout=5).returncode == 0
    finally:
        os.kill(int(left), signal.SIGKILL)
