"""Commands as values: words that a real shell reads back, joins that mean what they say, secrets left out."""

from __future__ import annotations

import subprocess
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, in_a_shell, parses

from schedgen_ops.shell import Command, Secret, call, quote, script, sh

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
NASTY = (
    "",
    " ",
    "'",
    '"',
    "a b",
    "$(id)",
    "`id`",
    "-rf",
    "--",
    "\n",
    "\\",
    "*",
    "~",
    "!",
    "#x",
    ";",
    "é",
    "\x1b[0m",
)


def shown(command: str) -> list[str]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=30)
    return done.stdout.decode().split("\0")[:-1]


def test_nasty_words_reach_the_program_as_they_are() -> None:
    assert shown(f"printf '%s\\0' {' '.join(map(quote, NASTY))}") == list(NASTY)


@in_a_shell
@given(st.lists(WORDS, min_size=1, max_size=60))
def test_any_words_reach_the_program_as_they_are(words: list[str]) -> None:
    assert shown(sh("printf", "%s\\0", *words).text) == words


@in_a_shell
@given(st.lists(WORDS, min_size=1, max_size=60))
def test_any_arguments_reach_a_script_as_they_are(words: list[str]) -> None:
    assert shown(script('printf "%s\\0" "$@"', *words).text) == words


def test_a_secret_is_no_word() -> None:
    with pytest.raises(TypeError, match="not Secret"):
        sh("psql", Secret("hunter2"))  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["a\0b", "\0"])
def test_a_nul_byte_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote(word)


def test_a_command_needs_a_program() -> None:
    with pytest.raises(ValueError, match="needs a program"):
        sh()


def test_a_command_is_its_words_quoted() -> None:
    assert sh("docker", "rm", "a b").text == "docker rm 'a b'"


def test_a_script_names_itself_and_takes_arguments() -> None:
    assert script("echo $1", "x y", title="say").text == "bash -o pipefail -c 'echo $1' say 'x y'"
    assert str(script("echo $1", title="say")) == "say"


@pytest.mark.parametrize(
    ("command", "stdout", "code"),
    [
        (sh("echo", "a").pipe(sh("tr", "a", "b")), "b\n", 0),
        (sh("false").pipe(sh("cat")), "", 1),
        (sh("false").and_then(sh("echo", "no")), "", 1),
        (sh("true").and_then(sh("echo", "yes")), "yes\n", 0),
        (sh("false").or_else(sh("echo", "else")), "else\n", 0),
        (sh("true").or_else(sh("echo", "else")), "", 0),
        (
            sh("false").and_then(sh("echo", "a")).or_else(sh("echo", "b")).and_then(sh("echo", "c")),
            "b\nc\n",
            0,
        ),
        (sh("false").or_else(sh("true")).pipe(sh("echo", "end")), "end\n", 0),
        (sh("printenv", "A").with_env("A", "x 'y' $z"), "x 'y' $z\n", 0),
        (sh("printenv", "A").with_env("A", "inner").or_else(sh("true")), "inner\n", 0),
        (sh("printenv", "A").with_env("A", "x").and_then(sh("printenv", "A")), "x\n", 1),
        (sh("cat").with_stdin("a\nb"), "a\nb", 0),
        (sh("cat").with_stdin("x").pipe(sh("tr", "x", "y")), "y", 0),
    ],
)
def test_joined_commands_do_what_a_shell_does(
    command: Command, stdout: str, code: int, tmp_path: Path
) -> None:
    answer = bash(command, tmp_path)
    assert (answer.stdout, answer.code) == (stdout, code)


def test_stderr_can_be_joined_to_stdout(tmp_path: Path) -> None:
    answer = bash(sh("ls", "/nowhere").with_stderr(), tmp_path)
    assert "/nowhere" in answer.stdout
    assert answer.stderr == ""


def test_stderr_can_be_dropped(tmp_path: Path) -> None:
    answer = bash(sh("ls", "/nowhere").quiet(), tmp_path)
    assert answer.stderr == ""
    assert not answer.ok


def test_a_folder_of_any_name_can_be_worked_in(tmp_path: Path) -> None:
    for name in ("plain", "with space", "-dash", "quo'te"):
        (tmp_path / name).mkdir()
        assert bash(sh("basename", "x").and_then(sh("pwd")).in_dir(name), tmp_path).text.endswith(name)


def test_a_missing_folder_is_a_failure_and_nothing_is_run(tmp_path: Path) -> None:
    answer = bash(sh("touch", "made").in_dir("missing"), tmp_path)
    assert not answer.ok
    assert not (tmp_path / "made").exists()


def test_every_join_is_good_syntax() -> None:
    one, two = script("if true; then\n  echo x\nfi\n"), sh("echo", "it's", "{", "}", ";")
    joined = one.pipe(two).and_then(one).or_else(two).in_dir("a b").with_env("X", "'").quiet()
    assert parses(joined.text) == ""


def test_only_one_of_two_joined_commands_can_read_stdin() -> None:
    with pytest.raises(ValueError, match="stdin"):
        sh("cat").with_stdin("a").pipe(sh("cat").with_stdin("b"))


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "A;id", "A\n", "é"])
def test_what_is_no_name_of_a_variable_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a variable name"):
        sh("true").with_env(name, "x")
    with pytest.raises(ValueError, match="not a variable name"):
        sh("true").with_secret(name, Secret("x"))


def test_a_secret_with_a_nul_byte_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="NUL") as caught:
        sh("true").with_secret("A", Secret("hunter\0two"))
    assert "hunter" not in str(caught.value)


def test_a_secret_is_in_no_text_of_the_command() -> None:
    command = (
        sh("psql").with_secret("PGPASSWORD", Secret("hunter2")).pipe(sh("cat")).in_dir("/srv").named("ask")
    )
    assert command.secrets == (("PGPASSWORD", Secret("hunter2")),)
    for text in (str(command), repr(command), command.text, f"{command.secrets}"):
        assert "hunter2" not in text


def test_secrets_are_equal_by_value_and_print_as_stars() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != "a"
    assert f"{Secret('a')} {Secret('a')!r}" == "*** ***"
    assert Secret("a").reveal() == "a"


def test_a_command_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        sh("true").text = "false"  # type: ignore[misc]
    assert sh("echo", "a") == sh("echo", "a")


def test_a_function_is_called_with_quoted_words_by_the_shell_that_is_there(tmp_path: Path) -> None:
    command = call('show() { printf "<%s>" "$@"; }', "show", "a b", "$(touch evil)", "'", title="show")
    assert bash(command, tmp_path).stdout == "<a b><$(touch evil)><'>"
    assert (str(command), list(tmp_path.iterdir())) == ("show", [])
