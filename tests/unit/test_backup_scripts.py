"""Backups made, checked, named and listed by a real shell."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from kit import BACKUP, bash, parses, program

from schedgen_ops.backup import commands, manifest
from schedgen_ops.backup.commands import Listing
from schedgen_ops.backup.manifest import File
from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database, Objects

DUMP = r"printf 'CREATE TABLE jobs;\n--\n-- PostgreSQL database dump complete\n--\n\n' | gzip"


def archive(tmp_path: Path, *names: str) -> str:
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    return f"tar -C '{data}' -cf - . | gzip"


def files(stdout: str) -> dict[str, File]:
    return {file.name: file for file in commands.parse_files(stdout)[0]}


def left(tmp_path: Path) -> list[str]:
    folder = tmp_path / "backups"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_backup_has_both_parts_and_tells_their_sizes_and_sums(tmp_path: Path) -> None:
    answer = bash(commands.create("backups/b", DUMP, archive(tmp_path, "a.pdf", "sub/b c.pdf")), tmp_path)
    assert answer.ok, answer.stderr
    found, objects = commands.parse_files(answer.stdout)
    assert [file.name for file in found] == ["database.sql.gz", "objects.tar.gz"]
    assert objects == 2
    for file in found:
        data = (tmp_path / "backups/b.part" / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (
        "CREATE TABLE" in gzip.decompress((tmp_path / "backups/b.part/database.sql.gz").read_bytes()).decode()
    )


def test_a_backup_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    bash(commands.create("backups/b", DUMP, ""), tmp_path)
    part = tmp_path / "backups/b.part"
    assert part.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in part.iterdir())


def test_an_empty_object_store_is_backed_up_too(tmp_path: Path) -> None:
    answer = bash(commands.create("backups/b", "", archive(tmp_path)), tmp_path)
    assert answer.ok, answer.stderr
    assert commands.parse_files(answer.stdout)[1] == 0


def test_the_database_alone_makes_a_backup(tmp_path: Path) -> None:
    answer = bash(commands.create("backups/b", DUMP, ""), tmp_path)
    assert list(files(answer.stdout)) == ["database.sql.gz"]


def test_the_end_of_the_dump_is_found_before_what_newer_versions_add(tmp_path: Path) -> None:
    dump = DUMP.replace("--\\n\\n'", "--\\n\\n\\\\unrestrict abc\\n\\n'")
    assert bash(commands.create("backups/b", dump, ""), tmp_path).ok


BROKEN = {
    "echo 'FATAL: no such role' >&2; exit 1": "the database's dump failed",
    "false | gzip": "the database's dump failed",
    "echo half a dump | gzip": "the database's dump is not complete",
    "echo not compressed": "the database's dump is not complete",
    "true": "the database's dump is not complete",
}


@pytest.mark.parametrize(("dump", "reason"), BROKEN.items())
def test_a_broken_dump_is_no_backup_and_nothing_is_left(dump: str, reason: str, tmp_path: Path) -> None:
    answer = bash(commands.create("backups/b", dump, archive(tmp_path, "a")), tmp_path)
    assert answer.code == 1
    assert answer.stderr.splitlines()[-1] == reason
    assert left(tmp_path) == []
    if "FATAL" in dump:
        assert "FATAL: no such role" in answer.stderr


@pytest.mark.parametrize("objects", ["exit 4", "echo no archive | gzip", "echo not compressed"])
def test_a_broken_archive_is_no_backup_and_nothing_is_left(objects: str, tmp_path: Path) -> None:
    answer = bash(commands.create("backups/b", DUMP, objects), tmp_path)
    assert answer.code == 1
    assert answer.stderr.splitlines()[-1].startswith("the objects' archive")
    assert left(tmp_path) == []


def test_a_truncated_archive_is_no_backup(tmp_path: Path) -> None:
    command = f"{archive(tmp_path, *(f'file{n}' for n in range(40)))} | head -c 200"
    assert not bash(commands.create("backups/b", "", command), tmp_path).ok
    assert left(tmp_path) == []


def test_an_interrupted_backup_leaves_nothing(tmp_path: Path) -> None:
    words = ["bash", "--norc", "-o", "pipefail", "-c", commands.create("backups/b", "exec sleep 30", "").text]
    with subprocess.Popen(words, cwd=tmp_path, start_new_session=True) as process:
        end = time.monotonic() + 20
        while not (tmp_path / "backups/b.part/database.log").exists() and time.monotonic() < end:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    assert left(tmp_path) == []


def test_a_folder_that_is_there_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "backups/b.part").mkdir(parents=True)
    assert not bash(commands.create("backups/b", DUMP, ""), tmp_path).ok
    assert left(tmp_path) == ["b.part"]


def test_a_backup_gets_its_name_with_its_manifest_and_not_before(tmp_path: Path) -> None:
    folder = f"backups/{BACKUP.id}"
    assert bash(commands.create(folder, DUMP, ""), tmp_path).ok
    assert bash(commands.list_("backups"), tmp_path).stdout == ""
    assert bash(commands.finish(folder, BACKUP), tmp_path).ok
    assert left(tmp_path) == [BACKUP.id]
    assert listed(tmp_path) == Listing((BACKUP,))


def test_a_backup_never_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "backups/b").mkdir(parents=True)
    assert bash(commands.create("backups/b", DUMP, ""), tmp_path).ok
    assert not bash(commands.finish("backups/b", BACKUP), tmp_path).ok
    assert list((tmp_path / "backups/b").iterdir()) == []


def test_what_was_begun_can_be_discarded(tmp_path: Path) -> None:
    bash(commands.create("backups/b", DUMP, ""), tmp_path)
    assert bash(commands.discard("backups/b"), tmp_path).ok
    assert left(tmp_path) == []


def listed(tmp_path: Path) -> Listing:
    return commands.parse_list(bash(commands.list_("backups"), tmp_path).stdout)


def test_a_torn_manifest_another_ones_and_none_are_no_backups_and_a_foreign_folder_is_nothing(
    tmp_path: Path,
) -> None:
    torn, swapped, bare = (f"manual-2025011{day}_120000" for day in (6, 7, 8))
    sealed = manifest.to_json(BACKUP)
    for name, text in {
        torn: "{torn",
        BACKUP.id: sealed,
        swapped: sealed,
        f"{BACKUP.id}.part": sealed,
        "photos-1_1": "",
    }.items():
        folder = tmp_path / "backups" / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(text)
    (tmp_path / "backups" / bare).mkdir()
    (tmp_path / "backups/photos").mkdir()
    assert listed(tmp_path) == Listing((BACKUP,), (torn, swapped, bare))


def test_a_missing_folder_holds_no_backups(tmp_path: Path) -> None:
    answer = bash(commands.list_("backups"), tmp_path)
    assert (answer.ok, answer.stdout) == (True, "")


def test_the_lines_for_restoring_by_hand_work_in_a_shell(tmp_path: Path) -> None:
    bash(commands.create("backups/b", DUMP, archive(tmp_path, "a")), tmp_path)
    (tmp_path / "backups/b.part").rename(tmp_path / "backups/b")
    docker = program(tmp_path / "bin", "docker", 'echo "$@" >> "$LOG"; cat >> "$LOG"')
    lines = (
        commands.restore_database(str(tmp_path), "backups/b", Database()),
        commands.restore_objects(str(tmp_path), "backups/b", Objects()),
    )
    log = tmp_path / "log"
    for line in lines:
        assert parses(line) == ""
        path = f"{docker.parent}:{os.environ['PATH']}"
        subprocess.run(["bash", "-c", line], env={"PATH": path, "LOG": str(log)}, check=True, timeout=30)
    said = log.read_bytes()
    assert b"compose exec -T postgres psql -U schedgen -d schedgen" in said
    assert b"CREATE TABLE jobs" in said
    assert b"compose cp - minio:/data" in said


def test_the_data_is_dumped_and_archived_inside_the_containers() -> None:
    dump = commands.dump_command(Docker(), "c1", Database())
    assert dump.startswith("{ docker exec -i c1 sh -c ")
    assert dump.endswith(
        "pg_dump --clean --if-exists --no-password -U schedgen -d schedgen; } | { gzip -3; }"
    )
    assert commands.archive_command(Docker(sudo=True), "c2", Objects()) == (
        "{ sudo -n docker cp c2:/data/. -; } | { gzip -3; }"
    )
