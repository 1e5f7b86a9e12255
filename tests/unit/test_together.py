"""Commands that run at the same time in one script."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from kit import bash

from schedgen_ops.parallel_batch import results, together
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, Secret, script, sh, sharing


def run(tmp_path: Path, *texts: str, limit: float = 20) -> tuple[Result, ...]:
    commands = [script(text) for text in texts]
    answer = bash(together(commands, limit), tmp_path)
    assert answer.ok, answer.stderr
    return results(answer.stdout, len(commands), limit)


def test_each_command_has_its_own_answer(tmp_path: Path) -> None:
    good, bad, mute, odd = run(tmp_path, "echo one; echo two", "echo no >&2; exit 3", "", "printf 'é\\t\"x'")
    assert (good.stdout.strip(), good.stderr, good.code) == ("one\ntwo", "", 0)
    assert (bad.stdout, bad.stderr, bad.code) == ("", "no", 3)
    assert (mute.stdout, mute.stderr, mute.code) == ("", "", 0)
    assert odd.stdout == 'é\t"x'


def test_they_run_at_the_same_time(tmp_path: Path) -> None:
    begun = time.monotonic()
    answers = run(tmp_path, *["sleep 1"] * 6)
    assert time.monotonic() - begun < 4
    assert all(1 <= answer.seconds < 4 for answer in answers)


def test_long_answers_stay_whole_beside_others(tmp_path: Path) -> None:
    talk = "for i in {1..3000}; do echo $1$i; done"
    commands = [script(talk, name) for name in "abcd"]
    answer = bash(together(commands, 20), tmp_path)
    for name, found in zip("abcd", results(answer.stdout, 4, 20), strict=True):
        assert found.stdout.split() == [f"{name}{number}" for number in range(1, 3001)]


@pytest.mark.parametrize("before", ["", "x", "xx", "xxx"])
def test_a_long_answer_is_never_cut_within_a_character(tmp_path: Path, before: str) -> None:
    for character in "é€😀":
        (found,) = run(tmp_path, f"printf %s {before}; printf {character}%.0s {{1..4000}}")
        assert found.stdout == before + character * 4000


def test_bytes_that_are_no_text_come_through(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\x80" * 8000)
    command = ["bash", "-c", together([sh("cat", str(tmp_path / "odd"))], 20).text]
    said = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout
    assert said.count(b"\x80") == 8000


def test_what_is_late_is_ended_with_all_it_started_and_hides_no_other(tmp_path: Path) -> None:
    begun = time.monotonic()
    mark = tmp_path / "mark"
    late, good = run(tmp_path, f"echo begun; bash -c 'sleep 4; touch {mark}'", "echo well", limit=1)
    assert time.monotonic() - begun < 4
    assert (late.code, late.stderr) == (124, "did not end within 1 s")
    assert good.stdout.strip() == "well"
    time.sleep(max(0, 5 - (time.monotonic() - begun)))
    assert not mark.exists()


def test_a_syntax_error_is_one_commands_own(tmp_path: Path) -> None:
    bad, good = results(bash(together([script("if"), sh("echo", "well")], 20), tmp_path).stdout, 2, 20)
    assert bad.code != 0
    assert good.stdout.strip() == "well"


def test_a_torn_answer_is_unknown_and_not_passed() -> None:
    answer, _ = results("0 out half\nnoise\n9 end 0 1\nx end 0 1\n", 2, 5)
    assert (answer.stdout, answer.code) == ("half", 124)


@pytest.mark.parametrize("command", [sh("cat").with_stdin("x"), sh("env").with_secret("A", Secret("b"))])
def test_stdin_cannot_be_shared(command: object) -> None:
    with pytest.raises(ValueError, match="cannot read stdin"):
        together([command], 5)  # type: ignore[list-item]


def begun_alike(tmp_path: Path, *words: tuple[str, ...]) -> list[Command]:
    """Commands that begin with the same, which is noted each time, and go on with a function of it."""
    shared = f"found=$(echo it | tee -a '{tmp_path}/begun'); echo noise; say() {{ echo \"$found $*\"; }}"
    return [sharing(shared, *each) for each in words]


def test_what_several_begin_with_is_run_once_and_each_has_its_own_answer(tmp_path: Path) -> None:
    commands = [sh("echo", "else"), *begun_alike(tmp_path, ("say", "o'ne"), ("false",), ("say", "two"))]
    found = results(bash(together(commands, 20), tmp_path).stdout, 4, 20)
    assert [(one.text, one.code) for one in found] == [("else", 0), ("it o'ne", 0), ("", 1), ("it two", 0)]
    assert (tmp_path / "begun").read_text() == "it\n"


def test_what_begins_like_others_is_whole_by_itself(tmp_path: Path) -> None:
    (command,) = begun_alike(tmp_path, ("say", "one"))
    assert bash(command, tmp_path).stdout == "noise\nit one\n"
    (found,) = results(bash(together([command.in_dir("/tmp")], 20), tmp_path).stdout, 1, 20)
    assert found.stdout.strip() == "noise\nit one"


def test_those_that_begin_alike_go_on_at_the_same_time_and_are_ended_with_all_they_started(
    tmp_path: Path,
) -> None:
    mark = tmp_path / "mark"
    late = ("bash", "-c", f"sleep 4; touch {mark}")
    begun = time.monotonic()
    commands = begun_alike(tmp_path, late, ("say", "well"), late)
    ended, good, other = results(bash(together(commands, 1), tmp_path).stdout, 3, 1)
    assert time.monotonic() - begun < 4
    assert [ended.code, good.text, other.code] == [124, "it well", 124]
    time.sleep(max(0, 5 - (time.monotonic() - begun)))
    assert not mark.exists()


def test_what_hangs_before_they_part_leaves_all_of_them_unknown(tmp_path: Path) -> None:
    commands = [sharing("sleep 5", "echo", each) for each in "ab"]
    found = results(bash(together([*commands, sh("echo", "well")], 1), tmp_path).stdout, 3, 1)
    assert [one.code for one in found] == [124, 124, 0]
