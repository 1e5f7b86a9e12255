"""What names the truth outlives a power cut: each file is synced before its name, its folder after."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kit import BACKUP, bash, path, program

from schedgen_ops.backup.catalog import remote_commands as backup
from schedgen_ops.commands import files
from schedgen_ops.commands.docker import Docker
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.shell import Command


def watched(folder: Path) -> str:
    """A PATH whose sync and mv write down what they were told."""
    for name in ("sync", "mv"):
        program(folder / "bin", name, f'echo "{name} $*" >> {folder}/told; exec {shutil.which(name)} "$@"')
    return path(folder / "bin")


def order(folder: Path, command: Command) -> list[str]:
    answer = bash(command, folder, PATH=watched(folder))
    assert answer.ok, answer
    return [
        line.replace(f"{folder}/", "").replace(" --", "")
        for line in (folder / "told").read_text().splitlines()
    ]


def test_a_record_is_synced_renamed_and_its_folder_synced(tmp_path: Path) -> None:
    told = order(tmp_path, files.replace(f"{tmp_path}/releases/r1/release.json", "{}"))
    new = "releases/r1/release.json"
    assert told[:3] == [f"sync {new}.part", f"mv -fT {new}.part {new}", "sync releases/r1"]
    # A folder that was made for it is in its own folder.
    assert told[3:] == ["sync releases/r1/.."]


@pytest.mark.parametrize("build", [backup.update, backup.finish])
def test_so_is_a_manifest(build: object, tmp_path: Path) -> None:
    (tmp_path / ("b" if build is backup.update else "b.part")).mkdir()
    told = order(tmp_path, build("b", BACKUP))  # type: ignore[operator]
    at = "b" if build is backup.update else "b.part"
    assert told[:3] == [
        f"sync {at}/manifest.json.part",
        f"mv -fT {at}/manifest.json.part {at}/manifest.json",
        f"sync {at}",
    ]
    assert told[3:] == ([] if build is backup.update else ["sync b.part", "mv -fT b.part b", "sync ."])


def test_all_of_a_release_is_on_the_disk_before_it_is_named(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    folder = Path(paths.release(ReleaseId("r2")))
    folder.mkdir(parents=True)
    for name in ("compose.yaml", "owner.yaml", ".release.json"):
        (folder / name).write_text("x")
    program(tmp_path / "bin", "docker", "true")
    told = order(
        tmp_path,
        ComposeOrchestrator(Docker(), "p", str(tmp_path)).promote(paths, ReleaseId("r2"), [], beside=True),
    )
    at = ".schedgen/releases/r2"
    assert {f"{at}/compose.yaml", f"{at}/owner.yaml", f"{at}/.release.json"} <= {*told[0].split()}
    assert ".schedgen/current.new" in told[0].split()
    assert told[1:] == [
        f"mv -fT {at}/.release.json {at}/release.json",
        "mv -fT .schedgen/current.new .schedgen/current",
        f"sync {at} .schedgen",
    ]


def test_a_release_that_is_pinned_is_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    program(tmp_path / "bin", "docker", "echo services")
    (told,) = order(tmp_path, ComposeOrchestrator(Docker(), "p", str(tmp_path)).pin(f"{tmp_path}/r", "{}"))
    assert told.split() == ["sync", "r/compose.yaml", "r/overlay.json", "r"]


def test_a_disk_that_cannot_keep_it_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    program(tmp_path / "bin", "sync", "echo 'error syncing: No space left on device' >&2; exit 1")
    answer = bash(files.replace(f"{tmp_path}/file", "new"), tmp_path, PATH=path(tmp_path / "bin"))
    assert not answer.ok
    assert (tmp_path / "file").read_text() == "old"
