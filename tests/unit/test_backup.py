"""Backups: made and checked by a real shell, listed, described, and never called one when they are not."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeClock, FakeHost, result
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, parses, program, quickly, settings

from schedgen_ops.backup import commands, manifest, run
from schedgen_ops.backup.manifest import File, Manifest
from schedgen_ops.commands.docker import Docker, parse_containers
from schedgen_ops.errors import CommandTimedOut, OpsError
from schedgen_ops.events import Event, Message
from schedgen_ops.settings import Database, Objects

DUMP = r"printf 'CREATE TABLE jobs;\n--\n-- PostgreSQL database dump complete\n--\n\n' | gzip"
SUM = "0" * 64
MADE = Manifest(
    id="manual-20250115_120000",
    release="r1",
    commit="a" * 40,
    state="DONE",
    created="2025-01-15T12:00:00Z",
    finished="2025-01-15T12:00:05Z",
    files=(File("database.sql.gz", 10, SUM), File("objects.tar.gz", 20, SUM)),
    objects=3,
    verified=("archive integrity",),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def archive(tmp_path: Path, *names: str) -> str:
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    return f"tar -C '{data}' -cf - . | gzip"


def files(stdout: str) -> dict[str, File]:
    return {file.name: file for file in manifest.parse_files(stdout)[0]}


def left(tmp_path: Path) -> list[str]:
    folder = tmp_path / "backups"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_backup_has_both_parts_and_tells_their_sizes_and_sums(tmp_path: Path) -> None:
    answer = bash(commands.create("backups/b", DUMP, archive(tmp_path, "a.pdf", "sub/b c.pdf")), tmp_path)
    assert answer.ok, answer.stderr
    found, objects = manifest.parse_files(answer.stdout)
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
    assert manifest.parse_files(answer.stdout)[1] == 0


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
    folder = "backups/it's manual"
    assert bash(commands.create(folder, DUMP, ""), tmp_path).ok
    assert bash(commands.list_("backups"), tmp_path).stdout == ""
    assert bash(commands.finish(folder, MADE), tmp_path).ok
    assert left(tmp_path) == ["it's manual"]
    assert commands.parse_list(bash(commands.list_("backups"), tmp_path).stdout) == (MADE,)


def test_a_backup_never_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "backups/b").mkdir(parents=True)
    assert bash(commands.create("backups/b", DUMP, ""), tmp_path).ok
    assert not bash(commands.finish("backups/b", MADE), tmp_path).ok
    assert list((tmp_path / "backups/b").iterdir()) == []


def test_what_was_begun_can_be_discarded(tmp_path: Path) -> None:
    bash(commands.create("backups/b", DUMP, ""), tmp_path)
    assert bash(commands.discard("backups/b"), tmp_path).ok
    assert left(tmp_path) == []


def test_a_torn_manifest_and_a_folder_of_somebody_else_are_no_backups(tmp_path: Path) -> None:
    for name, text in {"a": "{torn", "c": manifest.to_json(MADE), "d.part": manifest.to_json(MADE)}.items():
        folder = tmp_path / "backups" / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(text)
    (tmp_path / "backups/photos").mkdir()
    assert commands.parse_list(bash(commands.list_("backups"), tmp_path).stdout) == (MADE,)


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


# The manifest


@quickly
@given(
    st.builds(
        Manifest,
        id=st.sampled_from(["manual-20250115_120000", "pre-deployment-20250115_120000"]),
        release=TEXT,
        commit=TEXT,
        state=st.sampled_from(["DONE", "FAILED"]),
        created=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
            lambda t: f"{t:%Y-%m-%dT%H:%M:%SZ}"
        ),
        finished=TEXT,
        files=st.lists(st.builds(File, TEXT, st.integers(0), TEXT), max_size=3).map(tuple),
        objects=st.integers(0),
        verified=st.lists(TEXT, max_size=3).map(tuple),
    )
)
def test_a_manifest_is_read_back_as_it_was_written_on_one_line(made: Manifest) -> None:
    text = manifest.to_json(made)
    assert "\n" not in text
    assert manifest.from_json(text) == made


@quickly
@given(st.sampled_from([*Manifest.__dataclass_fields__]), st.none() | st.integers() | TEXT | st.lists(TEXT))
def test_a_manifest_with_a_field_gone_wrong_is_refused_or_usable_never_a_defect(
    name: str, value: object
) -> None:
    data = json.loads(manifest.to_json(MADE)) | {name: value}
    try:
        made = manifest.from_json(json.dumps(data))
    except ValueError:
        return
    assert made.size >= 0
    assert len(manifest.newest_first((made, MADE))) >= 1
    assert datetime.fromisoformat(made.created) < datetime.now(UTC)


@quickly
@given(st.text(max_size=20) | st.sampled_from(["null", "[]", "{}", "5", '"x"', '{"files": {}}', "[" * 9999]))
def test_what_is_no_manifest_is_refused_as_such(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        manifest.from_json(text)


def test_what_a_newer_version_added_is_passed_over() -> None:
    data = json.loads(manifest.to_json(MADE)) | {"age_key": "x"}
    data["files"][0]["chunks"] = 4
    assert manifest.from_json(json.dumps(data)) == MADE


def test_only_finished_backups_count_and_the_newest_comes_first() -> None:
    newer = replace(MADE, id="manual-20250116_120000", created="2025-01-16T12:00:00Z")
    failed = replace(newer, state="STARTED")
    assert manifest.newest_first((MADE, failed, newer)) == (newer, MADE)


def test_a_backup_knows_its_size_and_its_parts() -> None:
    assert MADE.size == 30
    assert MADE.has("objects.tar.gz")
    assert not replace(MADE, files=()).has("objects.tar.gz")


@pytest.mark.parametrize("line", ["file a.gz", f"file a.gz x {SUM}", "file a.gz 1 abc", "objects x", "hello"])
def test_an_answer_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        manifest.parse_files(line)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("pre-deployment-20241130_143000", True),
        ("manual-20241130_143000", True),
        ("manual-20241130_143000.part", False),
        ("../manual-20241130_143000", False),
        ("photos", False),
        ("manual-20241130_143000\n", False),
    ],
)
def test_our_folders_are_known_by_their_names(name: str, ours: bool) -> None:
    assert manifest.is_backup_id(name) is ours


# Made through a host


def container(service: str, status: str = "running") -> dict[str, Any]:
    return {
        "id": f"id-{service}",
        "name": f"/p-{service}-1",
        "image": "sha256:1",
        "labels": {"com.docker.compose.service": service},
        "status": status,
        "health": "",
        "started": "",
        "restarts": 0,
        "exit_code": 0,
        "oom": False,
        "image_name": service,
    }


def source(*boxes: dict[str, Any]) -> run.Source:
    return run.Source("r1", "a" * 40, parse_containers("\n".join(map(json.dumps, boxes))))


BOTH = source(container("postgres"), container("minio"))
ANSWER = f"objects 3\nfile database.sql.gz 10 {SUM}\nfile objects.tar.gz 20 {SUM}\n"


def create(host: FakeHost, of: run.Source = BOTH, events: list[Event] | None = None) -> Manifest:
    told: list[Event] = [] if events is None else events
    return run.create(host, settings(), "manual", of, FakeClock(), told.append)


def test_a_backup_is_called_done_after_it_was_checked() -> None:
    host = FakeHost(answers={"back up": ANSWER, "finish the backup": ""})
    told: list[Event] = []
    made = create(host, events=told)
    assert (made.id, made.objects, made.size) == ("manual-20250115_120000", 3, 30)
    assert manifest.from_json(str(host.commands[1].stdin)) == made
    assert Message("info", "Backup directory: backups/manual-20250115_120000", "app1") in told
    assert told[-1] == Message("info", "Backup integrity verified successfully", "app1")


def test_only_what_runs_here_is_backed_up() -> None:
    host = FakeHost(answers={"back up": f"file database.sql.gz 10 {SUM}\n", "finish the backup": ""})
    create(host, source(container("postgres"), container("minio", "exited")))
    assert "id-postgres" in host.texts[0]
    assert "id-minio" not in host.texts[0]


def test_nothing_to_back_up_is_an_error() -> None:
    with pytest.raises(OpsError, match="nothing to back up"):
        create(FakeHost(), source(container("web")))


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("pg_dump: error: No space left on device", "disk is full"),
        ("FATAL: password authentication failed for user", "POSTGRES_PASSWORD"),
        ("Error response: Container abc is not running", "docker compose ps postgres"),
        ("mkdir: cannot create directory: Permission denied", "owner and mode"),
        ("something else", "Nothing of it was kept"),
    ],
)
def test_a_failed_backup_tells_why_and_keeps_nothing(said: str, hint: str) -> None:
    failed = result(stderr=f"{said}\nthe database's dump failed", code=1)
    host = FakeHost(answers={"back up": failed, lambda command: "rm -rf" in command.text: ""})
    with pytest.raises(OpsError) as caught:
        create(host)
    assert caught.value.message == "backup failed: the database's dump failed"
    assert caught.value.detail == said
    assert caught.value.host == "app1"
    assert hint in caught.value.hint
    assert "backups/manual-20250115_120000.part" in host.texts[-1]


def test_a_backup_that_takes_too_long_or_cannot_be_named_is_discarded() -> None:
    late = CommandTimedOut("`back up` was ended after 3600 s", code=None)
    cases: tuple[dict[Any, Any], ...] = ({"back up": late}, {"back up": ANSWER, "finish the backup": 1})
    for answers in cases:
        host = FakeHost(answers={**answers, lambda command: "rm -rf" in command.text: ""})
        with pytest.raises(OpsError, match="backup failed"):
            create(host)
        assert "rm -rf" in host.texts[-1]


def test_backups_are_listed_newest_first() -> None:
    newer = replace(MADE, id="manual-20250116_120000", created="2025-01-16T12:00:00Z")
    listing = "\n".join(manifest.to_json(made) for made in (MADE, newer)) + "\n{torn\n"
    assert run.listed(FakeHost(answers={"list backups": listing}), settings()) == (newer, MADE)
