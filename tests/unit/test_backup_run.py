"""Backups through a host: what is asked, what is told, and what is left of one that failed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeClock, FakeHost, result
from kit import BACKUP, settings

from schedgen_ops.backup import manifest, run
from schedgen_ops.backup.manifest import Manifest
from schedgen_ops.commands.docker import parse_containers
from schedgen_ops.errors import CommandTimedOut, OpsError, Refused
from schedgen_ops.events import Event, Message

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
    return run.Source("r1", "a" * 40, parse_containers("\n".join(map(json.dumps, boxes))))


BOTH = source(container("postgres"), container("minio"))
ANSWER = f"objects 3\nfile database.sql.gz 10 {SUM}\nfile objects.tar.gz 20 {SUM}\n"


def create(
    host: FakeHost, of: run.Source = BOTH, events: list[Event] | None = None, only: str = ""
) -> Manifest:
    told: list[Event] = [] if events is None else events
    role = {"name": "app1", "address": "app1", "services": [only], "backs_up": True}
    config = settings(role, "app2") if only else settings()
    return run.create(host, config, manifest.Kind.MANUAL, of, FakeClock(), told.append)


def test_a_backup_is_called_done_after_it_was_checked() -> None:
    host = FakeHost(answers={"back up": ANSWER, "finish the backup": ""})
    told: list[Event] = []
    made = create(host, events=told)
    assert (made.id, made.objects, made.size) == ("manual-20250115_120000", 3, 30)
    assert manifest.from_json(str(host.commands[1].stdin)) == made
    assert Message("info", "Backup directory: backups/manual-20250115_120000", "app1") in told
    assert told[-1] == Message("info", "Backup integrity verified successfully", "app1")


def test_only_what_belongs_here_is_backed_up() -> None:
    host = FakeHost(answers={"back up": f"file database.sql.gz 10 {SUM}\n", "finish the backup": ""})
    create(host, only="postgres")
    assert "id-postgres" in host.texts[0]
    assert "id-minio" not in host.texts[0]


@pytest.mark.parametrize("stopped", ["postgres", "minio"])
def test_what_belongs_here_and_does_not_run_is_no_backup_without_it(stopped: str) -> None:
    states = {"postgres": "running", "minio": "running", stopped: "exited"}
    host = FakeHost()
    with pytest.raises(Refused, match=f"{stopped} is not running") as caught:
        create(host, source(*(container(*state) for state in states.items())))
    assert (caught.value.host, host.commands) == ("app1", [])


def test_nothing_to_back_up_is_an_error() -> None:
    with pytest.raises(OpsError, match="nothing to back up"):
        create(FakeHost(), only="frontend")


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
    newer = replace(BACKUP, id="manual-20250116_120000", created="2025-01-16T12:00:00Z")
    listing = "\n".join(f"{made.id} {manifest.to_json(made)}" for made in (BACKUP, newer)) + "\nx {torn\n"
    assert run.listed(FakeHost(answers={"list backups": listing}), settings()) == (newer, BACKUP)
