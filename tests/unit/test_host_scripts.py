"""Host scripts: files joined with their libraries, given named values that never become their text."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import characters, lists, text
from kit import apart, bash

from schedgen_ops import host_scripts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import FOLDER, host_script, program
from schedgen_ops.shell import Value, assignment
from schedgen_ops.verify.remote_commands import inside

WORDS = text(characters(exclude_characters="\0", exclude_categories=["Cs"]))
# What a script is sent with, where it leaves that open.
OPEN = {"engine": "postgres", "kind": "volume", "proxy": "haproxy"}
NAMES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.bash"))


@given(WORDS, lists(WORDS, max_size=3))
def test_whatever_a_value_holds_a_script_gets_it_as_it_is(word: str, words: list[str]) -> None:
    code = assignment("word", word) + assignment("words", words) + 'printf \'%s\\0\' "$word" "${words[@]}"'
    done = subprocess.run(["bash", "-c", code], capture_output=True, check=True)
    assert done.stdout.decode() == "".join(f"{each}\0" for each in (word, *words))


def test_numbers_are_written_as_bash_reads_them() -> None:
    assert [assignment("n", value) for value in (10**7, 0.5, 3.0)] == ["n=10000000\n", "n=0.5\n", "n=3\n"]


def test_a_name_that_no_variable_has_is_refused() -> None:
    with pytest.raises(ValueError, match="not a variable name"):
        assignment("a b", "x")


@pytest.mark.parametrize(
    "values", [{}, {"docker": ["docker"]}, {"docker": "docker", "record": "r", "containers": []}]
)
def test_a_script_is_given_what_it_says_and_nothing_else(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"stopped/stop\.bash is given"):
        program("stopped/stop", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_every_script_says_what_it_is_given_and_is_bash_once_it_is_joined(name: str) -> None:
    values: dict[str, Value] = {
        key: ["x"] if is_list else "x" for key, is_list in host_scripts.given(name, (*OPEN.items(),)).items()
    }
    whole = program(name, **values, **{key: OPEN[key] for key in host_scripts.choices(name)})
    assert not re.search(r"^(source|embed) ", whole, re.MULTILINE)
    assert subprocess.run(["bash", "-n", "-c", whole], check=False).returncode == 0
    # Each library once; a program that is embedded has its own.
    alone = re.sub(r"""^\w+='(?:[^']|'"'"')*'$""", "", whole, flags=re.MULTILINE)
    functions = re.findall(r"^(\w+)\(\) \{", alone, re.MULTILINE)
    assert len(functions) == len(set(functions))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of scripts."""
    apart(tmp_path, monkeypatch)
    return tmp_path


def test_a_file_that_a_script_leaves_open_is_chosen_by_who_sends_it(folder: Path, tmp_path: Path) -> None:
    for name, text_ in {
        "a/run": "#: word what\nsource a/lib.bash\nsay\n",
        "a/lib": 'source "kinds/$kind.bash"\n',
        "kinds/one": 'source kinds/shared.bash\nsay() { echo one "$word"; }\n',
        "kinds/two": '#: more of it\nsay() { echo "two $word $more"; }\n',
        "kinds/shared": "true\n",
    }.items():
        (folder / f"{name}.bash").parent.mkdir(exist_ok=True)
        (folder / f"{name}.bash").write_text(text_)
    assert host_scripts.choices("a/run") == {"kind"}
    one = host_script("a/run", kind="one", word="$x")
    assert bash(one, tmp_path).stdout == "one $x\n"
    assert bash(host_script("a/run", kind="two", word="x", more="y"), tmp_path).stdout == "two x y\n"
    assert program("a/run", kind="", word="x") == "word=x\nsay\n"
    assert dict(one.values) == {"kind": "one", "word": "$x"}
    with pytest.raises(TypeError, match=r"a/run\.bash is given .*kind"):
        host_script("a/run", word="x")
    with pytest.raises(TypeError, match=r"a/run\.bash is given"):
        host_script("a/run", kind="two", word="x")
    for odd in ("../a/lib", "/etc/passwd", "One", "a b", "one\n"):
        with pytest.raises(ValueError, match="no name of a script"):
            host_script("a/run", kind=odd, word="x")


def test_a_thousand_queries_are_not_too_many(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/bash\n[ "$1" = exec ] && echo "$#" || echo 1f\n')
    docker.chmod(0o755)
    words = ["psql", *(word for _ in range(1000) for word in ("-c", "SELECT " + "'x', " * 30 + "1"))]
    command = inside(Docker(), "p", "postgres", *words)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash"], input=command.text, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{len(words) + 3}\n", "")
    assert dict(command.values)["words"] == tuple(words)


def test_a_script_runs_with_its_values(tmp_path: Path) -> None:
    path = tmp_path / "it's a record"
    command = host_script("stopped/stop", docker=["true"], record=str(path), containers=["a", "b"])
    assert bash(command, tmp_path).ok
    assert (command.script, dict(command.values)["containers"]) == ("stopped/stop", ("a", "b"))
    assert path.read_text() == "a\nb\n"


def test_what_a_run_will_need_is_read_when_it_begins() -> None:
    host_scripts.text.cache_clear()
    host_scripts.read_all.cache_clear()
    host_scripts.read_all()
    kinds = (".bash", ".awk", ".sql", ".cfg", ".sh", ".lua", ".html")
    files = [path for path in FOLDER.rglob("*.*") if path.suffix in kinds]
    assert host_scripts.text.cache_info().currsize == len(files) > 50
