"""Backups made, checked, named and listed by a real shell."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from kit import BACKUP, DATABASE, OBJECTS, bash, parses, path, program

from schedgen_ops.backup.catalog import manifest, remote_commands
from schedgen_ops.backup.catalog.manifest import BackupId, BackupState, File, Manifest
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.backup.create import integrity, scripts
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.commands.docker import Docker
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

# What psql would answer: the snapshot at once, and what it is asked when it is asked.
SESSION = """
while IFS= read -r line; do case $line in
  *pg_export_snapshot*) echo 'snapshot 0000-1' ;;
  *counted*) printf '%s\n' 'server 15.8' 'size 4096' 'role "app"' 'rows ["public.jobs",3]' counted ;;
  '\\q') exit ;;
esac; done
"""
NEEDED = """
bash cat chmod cp cut date dirname grep gzip head kill ls mkdir mkfifo mv rm sed sha256sum sleep stat sync
tail tar tee tr wc
"""
DUMPED, ARCHIVED = File("database.sql.gz", 1, ""), File("objects.tar.gz", 1, "")
DUMP = r"printf 'CREATE TABLE jobs; -- %s\n--\n-- PostgreSQL database dump complete\n--\n\n' $at"
# Docker, which does for the containers what a test says.
DOCKER = """
at=${!#} at=${at##*=}
case $* in cp*) ARCHIVE ;; "exec c2 ls"*) ;; *pg_dump*) DUMP ;; *) SESSION ;; esac
"""
LOGGED = """echo "$@" >> "$HOME/log"; case $* in *psql*) echo snapshot 00-1; cat >/dev/null ;; esac"""
STARTED = replace(BACKUP, state=BackupState.STARTED, files=())


@dataclass(frozen=True)
class Fake(Docker):
    """A docker that is a script."""

    does: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return ("bash", "-o", "pipefail", "-c", self.does, "docker")


def where(dump: str = "", archive: str = "", session: str = SESSION) -> DataLocation:
    does = DOCKER.replace("ARCHIVE", archive).replace("DUMP", dump).replace("SESSION", session)
    stamp, box, store = "20250115_120000", dump and "c1", archive and "c2"
    return DataLocation(Fake(does=does), box, store, "image", stamp, DATABASE, OBJECTS)


def create(dump: str, archive: str, how: str = "gzip", form: str = "plain", **parts: str) -> Command:
    return scripts.create("backups/b", how, form, scripts.Parts(where(dump, archive), **parts), STARTED)


def made(answer: Result) -> scripts.Made:
    assert answer.ok, answer.stderr
    return scripts.parse_made(line for line in answer.stdout.splitlines() if line.startswith(scripts.ANSWERS))


def archive(tmp_path: Path, *names: str) -> str:
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    return f"tar -C '{data}' -cf - ."


def left(tmp_path: Path) -> list[str]:
    folder = tmp_path / "backups"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_backup_has_all_parts_and_tells_their_sizes_and_sums(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=b")
    (tmp_path / "compose.yaml").write_text("services: {}")
    there = {"env_file": ".env", "compose_file": str(tmp_path / "compose.yaml"), "table": "migrations"}
    command = create(DUMP, archive(tmp_path, "a.pdf", "sub/b c.pdf"), **there)
    found = made(bash(command, tmp_path))
    names = ["config.compose.yaml", "config.env", "database.sql.gz", "objects.tar.gz"]
    assert [file.name for file in found.files] == names
    assert (found.objects, found.sizes) == (2, {"objects": 10240, "database": 4096})
    assert (found.facts.server, found.facts.roles) == ("15.8", ("app",))
    assert found.facts.rows == {"public.jobs": 3}
    part = tmp_path / "backups/b.part"
    for file in found.files:
        data = (part / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    dump = gzip.decompress((part / "database.sql.gz").read_bytes()).decode()
    assert "CREATE TABLE jobs; -- 0000-1" in dump
    assert left(tmp_path) == ["b.part"]
    assert sorted(path.name for path in part.iterdir()) == sorted([*names, "manifest.json"])


def test_a_backup_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=b")
    (tmp_path / ".env").chmod(0o644)
    made(bash(create(DUMP, "", env_file=".env"), tmp_path))
    part = tmp_path / "backups/b.part"
    assert part.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in part.iterdir())


def test_an_empty_object_store_is_backed_up_too(tmp_path: Path) -> None:
    assert made(bash(create("", archive(tmp_path)), tmp_path)).objects == 0


def test_an_archive_is_counted_right_when_tar_speaks_in_pieces(tmp_path: Path) -> None:
    said = 'printf "Total bytes read: " >&2; sleep 0.3; echo "10240 (10KiB, 1MiB/s)" >&2'
    programs = program(tmp_path / "bin", "tar", f"cat >/dev/null; echo ./; echo ./a; {said}")
    found = made(bash(create("", "printf '%01024d' 0 | tr 0 '\\0'"), tmp_path, PATH=path(programs.parent)))
    assert (found.objects, found.sizes) == (1, {"objects": 10240})


def test_what_the_disk_has_must_be_what_was_written(tmp_path: Path) -> None:
    spoil = '[ "$1" != --output-error=exit ] || printf x >> "$3"'
    programs = program(tmp_path / "bin", "tee", f'"{shutil.which("tee")}" "$@"; {spoil}')
    answer = bash(create(DUMP, ""), tmp_path, PATH=path(programs.parent))
    assert (answer.ok, scripts.reason(answer.stderr)[0]) == (
        False,
        "database.sql.gz is not on the disk as it was written",
    )
    assert left(tmp_path) == []


def test_the_database_alone_makes_a_backup_and_no_env_file_is_no_failure(tmp_path: Path) -> None:
    (only,) = made(bash(create(DUMP, "", env_file=".env"), tmp_path)).files
    assert only.name == "database.sql.gz"


def test_the_end_of_the_dump_is_found_before_what_newer_versions_add(tmp_path: Path) -> None:
    dump = DUMP.replace("--\\n\\n'", "--\\n\\n\\\\unrestrict abc\\n\\n'")
    assert bash(create(dump, ""), tmp_path).ok


def test_compression_and_format_are_in_the_names_and_what_psql_reads_stays_gzip(tmp_path: Path) -> None:
    programs = program(tmp_path / "bin", "zstd", 'case "$*" in *-dc*) tail -n +2 ;; *) echo Z; cat ;; esac')
    custom, where = "printf 'PGDMP..'", {"PATH": path(programs.parent)}
    for number, (how, form, dump, names) in enumerate(
        [
            ("auto", "plain", DUMP, ["database.sql.gz", "objects.tar.zst"]),
            ("zstd", "plain", DUMP, ["database.sql.zst", "objects.tar.zst"]),
            ("gzip", "custom", custom, ["database.dump.gz", "objects.tar.gz"]),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = made(bash(create(dump, archive(tmp_path, "a"), how, form), folder, **where))
        assert [file.name for file in found.files] == names


def test_objects_that_hardly_shrink_are_not_packed_where_only_gzip_is(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    found = {shutil.which(name) for name in NEEDED.split()}
    for file in filter(None, found):
        (tmp_path / "few" / Path(file).name).symlink_to(file)
    for number, (data, name) in enumerate(((os.urandom(6_000_000), "objects.tar"), (b"x", "objects.tar.gz"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        pack = archive(tmp_path, "a")
        (tmp_path / "data" / "a").write_bytes(data)
        answer = made(bash(create(DUMP, pack, "auto"), folder, PATH=str(tmp_path / "few")))
        assert [file.name for file in answer.files] == ["database.sql.gz", name]
        assert answer.objects == 1
        assert left(folder) == ["b.part"]
        assert "sample" not in [file.name for file in (folder / "backups/b.part").iterdir()]


BROKEN = {
    "echo 'FATAL: no such role' >&2; exit 1": "the database's dump failed",
    "false | gzip": "the database's dump failed",
    "echo half a dump": "the database's dump is not complete",
    "true": "the database's dump is not complete",
}


@pytest.mark.parametrize(("dump", "reason"), BROKEN.items())
def test_a_broken_dump_is_no_backup_and_nothing_is_left(dump: str, reason: str, tmp_path: Path) -> None:
    answer = bash(create(dump, archive(tmp_path, "a")), tmp_path)
    assert answer.code == 1
    said, rest = scripts.reason(answer.stderr)
    assert said == reason
    assert left(tmp_path) == []
    if "FATAL" in dump:
        assert "FATAL: no such role" in rest


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        ("echo 'password authentication failed' >&2; exit 2", "the database "),
        ("read -r _; echo 'snapshot 1'; exit", "the database"),
        ("echo 'snapshot 1'; echo half; cat >/dev/null & sleep 0.2; exit", "the database"),
    ],
)
def test_a_session_that_ends_too_early_is_no_backup(session: str, reason: str, tmp_path: Path) -> None:
    chosen = scripts.Parts(where(DUMP, session=session))
    answer = bash(scripts.create("backups/b", "gzip", "plain", chosen, STARTED), tmp_path)
    assert answer.code == 1
    assert scripts.reason(answer.stderr)[0].startswith(reason)
    assert left(tmp_path) == []


@pytest.mark.parametrize("objects", ["exit 4", "echo no archive", "head -c 3000 /dev/zero | tr '\\0' x"])
def test_a_broken_archive_is_no_backup_and_ends_the_dump_at_once(objects: str, tmp_path: Path) -> None:
    began = time.monotonic()
    answer = bash(create(f"sleep 20; {DUMP}", objects), tmp_path)
    assert (answer.code, time.monotonic() - began < 15) == (1, True)
    assert scripts.reason(answer.stderr)[0].startswith("the objects' archive")
    assert left(tmp_path) == []


def test_a_truncated_archive_is_no_backup(tmp_path: Path) -> None:
    command = f"{archive(tmp_path, *(f'file{n}' for n in range(40)))} | head -c 1700"
    assert not bash(create("", command), tmp_path).ok
    assert left(tmp_path) == []


def test_an_interrupted_backup_leaves_nothing_and_no_process(tmp_path: Path) -> None:
    command = create("sleep 31.7", "")
    words = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
    with subprocess.Popen(words, cwd=tmp_path, start_new_session=True, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(str(command.stdin).encode())
        process.stdin.close()
        end = time.monotonic() + 20
        while not (tmp_path / "backups/b.part/database.sql.gz").exists() and time.monotonic() < end:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    assert left(tmp_path) == []
    running = subprocess.run(["pgrep", "-fx", "sleep 31.7"], capture_output=True, check=False)
    assert running.stdout == b""


def test_an_interrupted_backup_waits_for_no_rows_that_are_counted(tmp_path: Path) -> None:
    counting = tmp_path / "counting"
    body = f"case $* in 's/^/fact /') : > '{counting}' ;; esac; exec '{shutil.which('sed')}' \"$@\""
    programs = program(tmp_path / "bin", "sed", body)
    chosen = scripts.Parts(where(DUMP, session="echo 'snapshot 1'; exec sleep 32.9"))
    command = scripts.create("backups/b", "gzip", "plain", chosen, STARTED)
    words = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
    env = {**os.environ, "PATH": path(programs.parent)}
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.PIPE, env=env) as process:
        assert process.stdin
        process.stdin.write(str(command.stdin).encode())
        process.stdin.close()
        end = time.monotonic() + 20
        while not counting.exists() and time.monotonic() < end:
            time.sleep(0.01)
        process.terminate()
        assert process.wait(15) == 1
    assert left(tmp_path) == []
    running = subprocess.run(["pgrep", "-fx", "sleep 32.9"], capture_output=True, check=False)
    assert running.stdout == b""


def test_a_backup_that_nobody_listens_to_ends(tmp_path: Path) -> None:
    command = create(f"sleep 20; {DUMP}", "")
    words = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(str(command.stdin).encode())
        process.stdin.close()
        assert process.stdout.readline().startswith(b"progress database ")
        process.stdout.close()
        process.stderr.close()
        process.wait(15)
    assert left(tmp_path) == []


def test_a_folder_that_is_there_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "backups/b.part").mkdir(parents=True)
    assert not bash(create(DUMP, ""), tmp_path).ok
    assert left(tmp_path) == ["b.part"]


def verified(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    answer = bash(integrity.verify("b", manifest), folder)
    assert answer.ok, answer.stderr
    return integrity.parse_verified(answer.stdout, manifest)


def test_a_damaged_backup_is_found_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    found = made(bash(create(DUMP, archive(tmp_path, "a", "b")), tmp_path))
    manifest = replace(BACKUP, files=found.files, objects=2)
    folder = tmp_path / "backups" / "b"
    (tmp_path / "backups" / "b.part").rename(folder)
    assert verified(folder.parent, manifest) == ()
    assert verified(folder.parent, replace(manifest, objects=3)) == (
        "the archive has 2 objects instead of 3",
    )
    dump, objects = (folder / file.name for file in found.files)
    whole = dump.read_bytes()
    for changed in (whole[:-1], whole + b"x", whole[:20] + bytes([whole[20] ^ 1]) + whole[21:], b""):
        dump.write_bytes(changed)
        assert verified(folder.parent, manifest), changed
    dump.write_bytes(objects.read_bytes())
    assert any("SHA-256" in text for text in verified(folder.parent, manifest))
    dump.unlink()
    assert verified(folder.parent, manifest) == ("database.sql.gz is missing",)
    assert verified(tmp_path, manifest) == ("the folder is gone",)


def test_a_backup_gets_its_name_with_its_manifest_and_not_before(tmp_path: Path) -> None:
    folder = f"backups/{BACKUP.id}"
    assert bash(scripts.create(folder, "gzip", "plain", scripts.Parts(where(DUMP)), STARTED), tmp_path).ok
    assert [each.state for each in listed(tmp_path).backups] == [BackupState.STARTED]
    assert listed(tmp_path).good == ()
    assert bash(remote_commands.finish(folder, BACKUP), tmp_path).ok
    assert left(tmp_path) == [BACKUP.id]
    assert listed(tmp_path) == Catalog((BACKUP,))


def test_a_backup_never_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "backups/b").mkdir(parents=True)
    assert bash(create(DUMP, ""), tmp_path).ok
    assert not bash(remote_commands.finish("backups/b", BACKUP), tmp_path).ok
    assert list((tmp_path / "backups/b").iterdir()) == []


def test_one_that_failed_never_takes_another_of_its_name_with_it(tmp_path: Path) -> None:
    good = tmp_path / "backups/b"
    good.mkdir(parents=True)
    (good / "manifest.json").write_text(manifest.to_json(BACKUP))
    assert bash(create(DUMP, ""), tmp_path).ok
    assert not bash(remote_commands.fail("backups/b", replace(BACKUP, state=BackupState.FAILED)), tmp_path).ok
    assert (good / "manifest.json").read_text() == manifest.to_json(BACKUP)
    assert left(tmp_path) == ["b"]


def test_a_sweep_takes_what_we_began_and_nothing_that_only_looks_like_it(tmp_path: Path) -> None:
    ours, bare, empty = (f"manual-2025011{day}_120000.part" for day in (5, 6, 7))
    foreign = ["manual-20250118_120000.part", "photos-20250115_120000.part", "x-1_1.part", "manual-1_1.part"]
    for name in (ours, bare, empty, *foreign):
        (tmp_path / "backups" / name).mkdir(parents=True)
    (tmp_path / "backups" / ours / "database.sql.gz").write_text("half")
    (tmp_path / "backups" / ours / "manifest.json").write_text(manifest.to_json(STARTED))
    (tmp_path / "backups" / empty / "manifest.json").touch()
    for name in foreign:
        (tmp_path / "backups" / name / "a.jpg").write_text("precious")
    # Another backup's manifest proves nothing.
    (tmp_path / "backups" / foreign[0] / "manifest.json").write_text(manifest.to_json(STARTED))
    assert bash(remote_commands.sweep("backups"), tmp_path).ok
    assert left(tmp_path) == sorted(foreign)
    # Nor does one that failed take along what another put there under its name.
    there = f"backups/{foreign[0].removesuffix('.part')}"
    failed = replace(BACKUP, id=BackupId(Path(there).name), state=BackupState.FAILED)
    assert bash(remote_commands.fail(there, failed), tmp_path).ok
    assert (tmp_path / f"{there}.part" / "a.jpg").read_text() == "precious"


def test_without_anything_to_back_up_nothing_is_touched(tmp_path: Path) -> None:
    answer = bash(create("", "", env_file=".env"), tmp_path)
    assert (answer.code, left(tmp_path)) == (scripts.NOTHING, [])
    assert not (tmp_path / "backups").exists()
    assert scripts.reason(answer.stderr)[0].startswith("there is nothing to back up")


def listed(tmp_path: Path) -> Catalog:
    return remote_commands.parse_catalog(bash(remote_commands.list_("backups"), tmp_path).stdout)


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
    assert listed(tmp_path) == Catalog((BACKUP,), (torn, swapped, bare))


def test_a_missing_folder_holds_no_backups(tmp_path: Path) -> None:
    answer = bash(remote_commands.list_("backups"), tmp_path)
    assert (answer.ok, answer.stdout) == (True, "")


def test_the_lines_for_restoring_by_hand_work_in_a_shell(tmp_path: Path) -> None:
    bash(create(DUMP, archive(tmp_path, "a")), tmp_path)
    (tmp_path / "backups/b.part").rename(tmp_path / "backups/b")
    docker = program(tmp_path / "bin", "docker", 'echo "$@" >> "$LOG"; cat >> "$LOG"')
    lines = (
        remote_commands.restore_database(str(tmp_path), "backups/b", DATABASE, DUMPED),
        remote_commands.restore_objects(str(tmp_path), "backups/b", OBJECTS, ARCHIVED),
    )
    log = tmp_path / "log"
    for line in lines:
        assert parses(line) == ""
        env = {"PATH": path(docker.parent), "LOG": str(log)}
        subprocess.run(["bash", "-c", line], env=env, check=True, timeout=30)
    said = log.read_bytes()
    assert b"compose exec -T postgres psql -U schedgen -d schedgen" in said
    assert b"CREATE TABLE jobs" in said
    assert b"compose cp - minio:/data" in said


def test_the_line_for_another_format_uses_the_program_that_reads_it() -> None:
    line = remote_commands.restore_database("/srv", "b", DATABASE, File("database.dump.zst", 1, ""))
    assert line == (
        "cd /srv && zstd -dc b/database.dump.zst | "
        "docker compose exec -T postgres pg_restore --clean --if-exists -U schedgen -d schedgen"
    )


@pytest.mark.parametrize(
    ("form", "how"), [("plain", "--clean --if-exists"), ("custom", "--format=custom --compress=0")]
)
def test_the_data_is_dumped_inside_the_container_as_the_snapshot_has_it(
    form: str, how: str, tmp_path: Path
) -> None:
    docker = program(tmp_path / "bin", "docker", LOGGED)
    location = DataLocation(Docker(), "c1", "", "", "", DATABASE, OBJECTS)
    command = scripts.create("backups/b", "gzip", form, scripts.Parts(location), STARTED)
    assert not bash(command, tmp_path, PATH=path(docker.parent)).ok
    said = (tmp_path / "log").read_text()
    assert "exec -i c1 sh -c " in said
    assert f"pg_dump {how} --no-password" in said
    assert "-U schedgen -d schedgen --snapshot=00-1\n" in said


def test_what_a_restore_put_aside_is_no_object(tmp_path: Path) -> None:
    ours, old, foreign = (f".schedgen-before-2025011{day}_120000" for day in (5, 6, 7))
    marks = {f"{ours}/mark": "schedgen restore 20250115_120000\n", f"{old}/.schedgen-moved": ""}
    marks |= {f"{foreign}/mark": "schedgen restore 20250101_120000\n", ".schedgen-designs/c": ""}
    others = ("jobs/a", "xschedgen-designs/c", f"{foreign}/jobs/b", f"{ours}x/d")
    for name in (*marks, *others, f"{ours}/data/jobs/b", f"{old}/jobs/b"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(marks.get(name, name))
    body = """if [ "$1" != cp ]; then shift 2; exec "$@"; fi
    at=${2#c2:}; [ -d "$at" ] && exec tar -C "$at" -cf - .; exec tar -C "${at%/*}" -cf - "${at##*/}\""""
    programs = program(tmp_path / "bin", "docker", body).parent
    objects = OBJECTS.model_copy(update={"path": str(tmp_path / "data")})
    location = DataLocation(Docker(), "", "c2", "image", "", DATABASE, objects)
    command = scripts.create("backups/b", "gzip", "plain", scripts.Parts(location), STARTED)
    assert made(bash(command, tmp_path, PATH=path(programs))).objects == len(others) + 2
