"""Files and disks: scripts run by a real shell on whatever people keep in their folders."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, in_a_shell, recorded

from schedgen_ops.commands import files


def writable(path: Path | str, folder: Path) -> bool:
    return bash(files.writable(str(path)), folder).ok


def test_a_folder_is_writable_or_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "here is one").mkdir()
    (tmp_path / "file").touch()
    assert writable(tmp_path / "here is one", tmp_path)
    assert writable(tmp_path / "not/yet/there", tmp_path)
    assert writable("relative/too", tmp_path)
    assert not writable(tmp_path / "file", tmp_path)
    assert not writable(tmp_path / "file/below", tmp_path)


@pytest.fixture
def readonly() -> Iterator[Path]:
    """A folder that others can look into and not write to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sub").mkdir()
        for path in (folder / "sub", folder):
            path.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_folder_of_somebody_else_is_not_writable(readonly: Path) -> None:
    # Root may write anywhere: the question is put by nobody in particular then.
    other = {"user": 65534, "group": 65534, "extra_groups": ()} if os.geteuid() == 0 else {}
    for path in ("", "/sub", "/sub/new"):
        words = ["bash", "--norc", "-c", files.writable(f"{readonly}{path}").text]
        done = subprocess.run(words, cwd="/", check=False, timeout=30, capture_output=True, **other)  # type: ignore[call-overload]
        assert done.returncode == 1


@pytest.mark.parametrize("name", ["plain", "new/folder/file", "with space", "-dash", "quo'te\"s", "$(id)"])
def test_a_file_is_written_whole_for_its_owner_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    text = "it's $HOME\n\n  `id` \\ é\nno newline"
    assert bash(files.replace(str(path), text), tmp_path).ok
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o600
    assert bash(files.replace(str(path), ""), tmp_path).ok
    assert path.read_text() == ""
    assert [found.name for found in path.parent.iterdir() if found.is_file()] == [path.name]
    assert bash(files.read(str(path)), tmp_path).stdout == ""


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "file.part").mkdir()
    assert not bash(files.replace(str(tmp_path / "file"), "new"), tmp_path).ok
    assert (tmp_path / "file").read_text() == "old"


@in_a_shell
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200))
def test_any_text_is_read_back_as_it_was_written(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = f"{name}/file"
        assert bash(files.replace(path, text), Path(name)).ok
        assert bash(files.read(path), Path(name)).stdout == text


def test_files_and_folders_are_removed_and_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "-folder").mkdir()
    (tmp_path / "-folder/x").touch()
    (tmp_path / "stays").touch()
    assert bash(files.remove("-folder", "gone"), tmp_path).ok
    assert [path.name for path in tmp_path.iterdir()] == ["stays"]


def test_load_is_read(tmp_path: Path) -> None:
    text = recorded("load.txt")
    values = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if ":" in line}
    *_, loadavg, cores = text.splitlines()
    found = files.parse_load(text)
    assert found.memory_percent == round(100 - 100 * values["MemAvailable"] / values["MemTotal"], 1)
    assert found.cpu_percent == round(100 * float(loadavg.split()[0]) / int(cores), 1)
    assert files.parse_load(bash(files.load(), tmp_path).stdout).memory_percent > 0


@pytest.mark.parametrize(
    "text", ["", "x\n", "MemTotal: 10 kB\n0.1 0 0 1/1 1\n2\n", "MemTotal: a kB\n0.1\n2\n"]
)
def test_what_is_no_load_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        files.parse_load(text)
