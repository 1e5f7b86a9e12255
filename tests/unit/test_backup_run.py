"""Backups through a host: what is asked, what is told, and what is left of one that failed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import FakeClock, FakeHost, context, result
from kit import BACKUP, settings

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.catalog.manifest import BackupId, Manifest
from schedgen_ops.backup.create import run, scripts
from schedgen_ops.commands.docker import parse_containers
from schedgen_ops.errors import CommandTimedOut, OpsError, Refused
from schedgen_ops.events import Event, Message, Progress
from schedgen_ops.release.record import ReleaseId

SUM = "0" * 64


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
    return run.Source(ReleaseId("r1"), "a" * 40, parse_containers("\n".join(map(json.dumps, boxes))))


# No backup before.
NONE: dict[Any, Any] = {"list backups": ""}
BOTH = source(container("postgres"), container("minio"))
ANSWER = f"""objects 3 512
progress database 5
fact server 15.8
fact rows ["public.jobs",3]
fact counted
file database.sql.gz 10 {SUM}
file objects.tar.gz 20 {SUM}
"""


def create(
    host: FakeHost,
    of: run.Source = BOTH,
    events: list[Event] | None = None,
    only: str = "",
    parts: frozenset[str] = run.ALL,
) -> Manifest:
    told: list[Event] = [] if events is None else events
    role = {"name": "app1", "address": "app1", "services": [only], "backs_up": True}
    config = settings(role, "app2") if only else settings()
    return run.create(context(host, config, emit=told.append), manifest.Kind.MANUAL, of, parts)


def test_a_backup_is_called_done_after_it_was_checked() -> None:
    host = FakeHost(answers={**NONE, "back up": ANSWER, "finish the backup": ""})
    told: list[Event] = []
    made = create(host, events=told)
    assert (made.id, made.objects, made.size) == ("manual-20250115_120000", 3, 30)
    assert manifest.from_json(str(host.commands[3].stdin)) == made
    assert Message("info", "Backup directory: backups/manual-20250115_120000", "app1") in told
    assert (made.state, made.rows, made.server) == ("DONE", {"public.jobs": 3}, "15.8")
    assert made.verified == ("archive integrity", "end of dump", "SHA-256")
    assert Progress("database", 5, 0, "bytes", "app1") in told
    started = manifest.from_json(str(host.commands[2].stdin))
    assert (started.id, started.state) == (made.id, "STARTED")
    assert told[-1] == Message("info", "Backup integrity verified successfully", "app1")


def test_the_progress_ends_with_the_part_and_not_where_an_estimate_was_too_low() -> None:
    said = f"progress objects 700\nwritten objects\nprogress objects 700\n{ANSWER}"
    host = FakeHost(answers={**NONE, "back up": said, "finish the backup": ""})
    told: list[Event] = []
    totals = {"database": 50, "objects": 600}
    kind = manifest.Kind.MANUAL
    run.create(context(host, settings(), emit=told.append), kind, BOTH, totals=totals)
    bars = [(event.label, event.done, event.total) for event in told if isinstance(event, Progress)]
    assert bars == [("objects", 700, 715), ("objects", 1, 1), ("database", 5, 50)]


def test_only_what_belongs_here_is_backed_up() -> None:
    host = FakeHost(answers={**NONE, "back up": ANSWER, "finish the backup": ""})
    create(host, only="postgres")
    assert "id-postgres" in host.texts[2]
    assert "id-minio" not in host.texts[2]


@pytest.mark.parametrize("stopped", ["postgres", "minio"])
def test_what_belongs_here_and_does_not_run_is_no_backup_without_it(stopped: str) -> None:
    states = {"postgres": "running", "minio": "running", stopped: "exited"}
    host = FakeHost()
    with pytest.raises(Refused, match=f"{stopped} is not running") as caught:
        create(host, source(*(container(*state) for state in states.items())))
    assert (caught.value.host, host.commands) == ("app1", [])


def test_nothing_to_back_up_is_an_error() -> None:
    with pytest.raises(Refused, match="nothing to back up"):
        create(FakeHost(), only="frontend", parts=frozenset({"database"}))
    # Neither an env file nor a release: the host says so, and has touched nothing.
    nothing = result(stderr="reason: there is nothing to back up: neither", code=scripts.NOTHING)
    host = FakeHost(answers={**NONE, "back up": nothing})
    with pytest.raises(Refused, match="nothing to back up"):
        create(host, parts=frozenset({"config"}))
    assert host.commands[-1].title == "back up"


def test_a_backup_is_named_and_numbered_by_its_host_whatever_the_operators_clock_says() -> None:
    ahead = replace(BACKUP, id=BackupId("manual-20250116_120000"), created="2025-01-16T12:00:00Z")
    listing = f"{ahead.id} {manifest.to_json(ahead)}"
    host = FakeHost(answers={"back up": ANSWER, "finish the backup": "", "list backups": listing})
    laptop = FakeClock(moment=datetime(2030, 1, 1, tzinfo=UTC))
    kind = manifest.Kind.MANUAL
    made = run.create(context(host, settings(), laptop), kind, BOTH)
    assert (made.id, made.created, made.number) == ("manual-20250115_120000", "2025-01-15T12:00:00Z", 1)
    assert manifest.newest_first((ahead, made)) == (made, ahead)


def test_a_table_of_another_framework_is_told_once_with_the_setting_that_names_the_right_one() -> None:
    said = ANSWER.replace("fact counted", "fact unlisted\nfact counted")
    told: list[Event] = []
    host = FakeHost(answers={**NONE, "back up": said, "finish the backup": ""})
    assert create(host, events=told).migrations == ()
    (warning,) = [event for event in told if isinstance(event, Message) and event.level == "warn"]
    assert "the table migrations does not list migrations" in warning.text
    assert "migrations.table" in warning.text


@pytest.mark.parametrize("part", ["database", "objects", "config"])
def test_only_the_part_that_is_asked_for_is_backed_up(part: str) -> None:
    host = FakeHost(answers={**NONE, "back up": ANSWER, "finish the backup": ""})
    create(host, parts=frozenset({part}))
    text = host.texts[2]
    held = ("id-postgres" in text, "id-minio" in text, "releases/r1/compose.yaml" in text)
    assert held == (part == "database", part == "objects", part == "config")


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("gzip: stdout: No space left on device", "the disk is full", "inv ops.prune"),
        (
            "FATAL: password authentication failed for user",
            "refuses the password of schedgen",
            "POSTGRES_PASSWORD",
        ),
        ("Error response: Container abc is not running", "postgres went away", "inv logs postgres"),
        (
            "pg_dump: error: server closed the connection",
            "postgres went away",
            "inv logs postgres",
        ),
        ('FATAL: role "x" does not exist', "does not let schedgen in", "POSTGRES_USER"),
        (
            "permission denied while trying to connect to the Docker daemon socket",
            "Docker refuses",
            "group docker",
        ),
        ("mkdir: cannot create directory: Permission denied", "backups is not writable", "ls -ld backups"),
        ("something else", "backup failed: the dump failed", "Nothing of it was kept"),
    ],
)
def test_a_failed_backup_tells_the_cause_and_leaves_a_record_without_data(
    said: str, message: str, hint: str
) -> None:
    failed = result(stderr=f"{said}\nreason: the dump failed", code=1)
    there = "\n".join(map(json.dumps, (container("postgres"), container("minio"))))
    answers: dict[Any, Any] = {
        **NONE,
        "back up": failed,
        "docker inspect": there,
        "record the failed backup": "",
    }
    host = FakeHost(answers=answers)
    with pytest.raises(OpsError) as caught:
        create(host)
    assert message in caught.value.message
    assert caught.value.message.endswith("the dump failed")
    assert (caught.value.detail, caught.value.host) == (said, "app1")
    assert hint in caught.value.hint
    record = manifest.from_json(str(host.commands[-1].stdin))
    assert (record.state, record.files, record.good) == ("FAILED", (), False)
    assert record.error == caught.value.message
    assert "backups/manual-20250115_120000" in host.texts[-1]


def test_a_backup_that_takes_too_long_or_cannot_be_named_is_recorded_as_failed() -> None:
    late = CommandTimedOut("`back up` was ended after 3600 s", code=None)
    cases: tuple[dict[Any, Any], ...] = (
        {**NONE, "back up": late},
        {**NONE, "back up": ANSWER, "finish the backup": 1},
    )
    for answers in cases:
        # Where not even the record can be written, the failure itself is told.
        for code in (0, 1):
            host = FakeHost(answers={**answers, "docker inspect": 1, "record the failed backup": code})
            with pytest.raises(OpsError, match="backup failed"):
                create(host)
            assert host.commands[-1].title == "record the failed backup"


@pytest.mark.parametrize(
    "now", [[], [container("postgres", "exited")], [container("postgres") | {"started": "later"}]]
)
def test_a_container_that_went_away_says_nothing_and_is_named(now: list[dict[str, Any]]) -> None:
    there = "\n".join(map(json.dumps, [*now, container("minio")]))
    failed = result(stderr="reason: the database's dump failed", code=1)
    answers: dict[Any, Any] = {
        **NONE,
        "back up": failed,
        "docker inspect": there,
        "record the failed backup": "",
    }
    with pytest.raises(OpsError, match="the service postgres went away") as caught:
        create(FakeHost(answers=answers))
    assert "inv logs postgres" in caught.value.hint


def test_a_backup_is_verified_against_its_manifest() -> None:
    answer = "wrong database.sql.gz is missing\nobjects 2 512\n"
    wrong = run.verify(context(FakeHost(answers={"verify the backup": answer}), settings()), BACKUP)
    assert wrong == ("database.sql.gz is missing", "the archive has 2 objects instead of 3")
    good = FakeHost(answers={"verify the backup": "objects 3 512\n"})
    assert run.verify(context(good, settings()), BACKUP) == ()
    with pytest.raises(ValueError, match="answered"):
        run.verify(context(FakeHost(answers={"verify the backup": "what?"}), settings()), BACKUP)


def test_backups_are_listed_newest_first() -> None:
    newer = replace(BACKUP, id=BackupId("manual-20250116_120000"), created="2025-01-16T12:00:00Z")
    listing = "\n".join(f"{made.id} {manifest.to_json(made)}" for made in (BACKUP, newer)) + "\nx {torn\n"
    host = FakeHost(answers={"list backups": listing})
    assert run.listed(context(host, settings())) == (newer, BACKUP)
