"""Which variables have a value: the real Compose reads real env files, and no value leaves the host."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from kit import bash, path, program

from schedgen_ops.commands import disks, environment
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.environment import Variables

COMPOSE = Compose(Docker(), "p", "/srv/p")
NAMES = ("PW", "OTHER")
BINARY = Path(sys.executable).parent / "docker-compose"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH with a docker whose only command is Compose."""
    binary = BINARY if BINARY.exists() else shutil.which("docker-compose")
    return path(program(tmp_path_factory.mktemp("bin"), "docker", f'shift; exec {binary} "$@"').parent)


def read(programs: str, folder: Path, text: str | bytes, **shell: str) -> Variables:
    (folder / ".env").write_bytes(text if isinstance(text, bytes) else text.encode())
    answer = bash(environment.variables(COMPOSE, ".env", NAMES), folder, PATH=programs, **shell)
    assert answer.ok, answer.stderr
    assert "s3cret" not in answer.stdout + answer.stderr
    return environment.parse_variables(answer.stdout)


FILES = {
    "plain": ("PW=s3cret", True),
    "no value": ("PW=", False),
    "blank": ("PW=   ", False),
    "quoted and empty, with a comment": ('PW="" # set me', False),
    "a reference to nothing": ("PW=${NOT_SET_ANYWHERE}", False),
    "a reference to something": ("OTHER=s3cret\nPW=${OTHER}", True),
    "inside the quotes of another": ('KEY="line one\nPW=s3cret\nend"', False),
    "empty later": ("PW=s3cret\nPW=", False),
    "behind a byte order mark": (b"\xef\xbb\xbfPW=s3cret", True),
    "a value that begins with a hash": ("PW=#s3cret", True),
    "a colon": ("PW: s3cret", True),
    "exported": ("export PW='s3cret # all of it'", True),
    "with Windows's line ends": ("PW=s3cret\r\nOTHER=x\r\n", True),
    "empty with Windows's line ends": ("PW=\r\n", False),
    "commented out": ("# PW=s3cret", False),
}


@pytest.mark.parametrize(("text", "has"), FILES.values(), ids=FILES.keys())
def test_compose_says_what_is_set(programs: str, tmp_path: Path, text: str | bytes, has: bool) -> None:
    found = read(programs, tmp_path, text)
    assert ("PW" in found.here, "PW" in found.alone, found.refused) == (has, has, "")


REFUSED = {
    'PW="s3cret\nX=s3cret': "unterminated quoted value",
    "A B=s3cret": "line 1: key cannot contain a space",
    "\nA@B=s3cret": "line 2: unexpected character",
    "PW=${S?s3cret}": "required variable",
    "PW=${s3cret": "Invalid template",
}


@pytest.mark.parametrize(("text", "why"), REFUSED.items())
def test_a_file_that_compose_refuses_is_told_without_what_is_in_it(
    programs: str, tmp_path: Path, text: str, why: str
) -> None:
    assert why in read(programs, tmp_path, text).refused


def test_compose_is_asked_once_where_nothing_of_the_shell_can_matter(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    counting = path(program(tmp_path, "docker", f"echo once >> {asked}; cat > /dev/null; echo '{{}}'").parent)

    def times(text: str, **shell: str) -> int:
        asked.write_text("")
        (tmp_path / ".env").write_text(text)
        bash(environment.variables(COMPOSE, ".env", NAMES), tmp_path, PATH=counting, **shell)
        return len(asked.read_text().split())

    assert times("PW=s3cret", SSH_TTY="/dev/pts/1") == 1
    assert times("PW=s3cret", PW="x") == times("PW=${FOO}", FOO="x") == times("FOO", FOO="x") == 2
    assert times("PW=s3cret", COMPOSE_DISABLE_ENV_FILE="1") == 2


def test_what_the_shell_has_itself_is_told_apart(programs: str, tmp_path: Path) -> None:
    there = read(programs, tmp_path, "OTHER=s3cret", PW="s3cret")
    assert [there.here, there.alone] == [{"PW", "OTHER"}, {"OTHER"}]
    assert "PW" in there.own
    emptied = read(programs, tmp_path, "PW=s3cret", PW="")
    assert [emptied.here, emptied.alone] == [set(), {"PW"}]


def test_a_file_that_is_missing_or_a_folder_is_no_empty_one(programs: str, tmp_path: Path) -> None:
    ask = environment.variables(COMPOSE, "none.env", NAMES)
    missing = bash(ask, tmp_path, PATH=programs)
    assert (missing.ok, "No such file" in missing.stderr) == (False, True)
    (tmp_path / "folder").mkdir()
    folder = bash(environment.variables(COMPOSE, "folder", NAMES), tmp_path, PATH=programs)
    assert environment.parse_variables(folder.stdout).refused == "is a directory"


def test_a_file_of_any_name_is_read(programs: str, tmp_path: Path) -> None:
    for name in ("with space.env", "-dash", "quo'te"):
        (tmp_path / name).write_text("PW=1\n")
        answer = bash(environment.variables(COMPOSE, f"./{name}", NAMES), tmp_path, PATH=programs)
        assert environment.parse_variables(answer.stdout).here == {"PW"}


ENGINE = """printf '%s\\n' "root $ROOT" "driver io.containerd.snapshotter.v1\""""


def test_every_disk_is_looked_at_once_and_one_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    programs = path(program(tmp_path / "bin", "docker", ENGINE).parent)
    command = disks.spaces(Docker(), str(tmp_path))
    here = disks.parse_spaces(bash(command, tmp_path, PATH=programs, ROOT="/dev/shm").stdout)
    assert here.project.path == str(tmp_path)
    assert any(space.kind == "docker" and space.mount == "/dev/shm" for space in here.found)
    assert len({space.mount for space in here.found}) == len(here.found)
    gone = disks.parse_spaces(bash(command, tmp_path, PATH=programs, ROOT="/not/there").stdout)
    assert "/not/there" in gone.unknown
    failed = path(program(tmp_path / "other", "docker", "exit 1").parent)
    silent = disks.parse_spaces(bash(command, tmp_path, PATH=failed).stdout)
    assert (silent.docker, silent.project.free > 0) == (False, True)
