"""Copies elsewhere: what is asked, what is compared, and what is recorded of one that fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeHost, context, result
from kit import BACKUP, settings

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.catalog.manifest import Copy, DrillResult, File, Manifest
from schedgen_ops.backup.offsite import push
from schedgen_ops.errors import ConfigError, ConnectionLost, OpsError, Refused
from schedgen_ops.events import Event, Message, Progress
from schedgen_ops.settings import Offsite, Settings
from schedgen_ops.shell import Secret

SECTION: dict[str, Any] = {
    "path": "bucket/copies/",
    "options": {"type": "s3"},
    "secrets": {"secret_access_key": "S3_SECRET"},
    "password": "S3_PASSWORD",
}
ENVIRON = {"S3_SECRET": "of-s3", "S3_PASSWORD": "p"}
RIGHT = "".join(f"size {file.size} {file.name}\nsha256 {file.sha256}  {file.name}\n" for file in BACKUP.files)
STATS = json.dumps({"level": "notice", "stats": {"bytes": 12}})
PROVEN = replace(BACKUP, drill=DrillResult("2025-01-15T12:01:00Z", 3.0, "passed"))


def offsite(**changes: Any) -> tuple[Settings, Offsite]:
    config = settings(backup={"offsite": SECTION | changes})
    assert config.backup.offsite is not None
    return config, config.backup.offsite


class Pushing:
    """A push on a host that answers like this."""

    def __init__(self, copied: Any, sealed: Any = "", there: Manifest = PROVEN) -> None:
        answers = {
            "copy to the remote": copied,
            "copy the manifest to the remote": sealed,
            "list backups": f"{there.id} {manifest.to_json(there)}\n",
            "update the manifest": "",
        }
        self.host = FakeHost(answers=answers)
        self.events: list[Event] = []

    def __call__(self) -> Manifest:
        config, section = offsite()
        target = push.credentials(section, ENVIRON)
        host = context(self.host, config, emit=self.events.append)
        return push.Push(host, section, target)(BACKUP)

    def recorded(self) -> list[Manifest]:
        return [
            manifest.from_json(str(command.stdin))
            for command in self.host.commands
            if command.title == "update the manifest"
        ]

    def asked(self, title: str) -> int:
        return sum(command.title == title for command in self.host.commands)


def test_a_copy_that_reads_back_the_same_is_recorded_beside_what_came_meanwhile() -> None:
    pushing = Pushing(f"{STATS}\nchecking\n{RIGHT}")
    done = pushing()
    assert done.offsite == Copy("2025-01-15T12:00:00Z", f"bucket/copies/app1/{BACKUP.id}", "passed")
    assert done.drill == PROVEN.drill
    assert pushing.recorded() == [done]
    assert Progress(f"Copying {BACKUP.id}", 12, 30, "bytes", "app1") in pushing.events
    assert pushing.asked("copy the manifest to the remote") == 1


def test_a_copy_that_differs_is_made_once_more() -> None:
    wrong = RIGHT.replace("size 10", "size 11")
    pushing = Pushing([wrong, RIGHT])
    assert pushing().offsite is not None
    first, second = (c for c in pushing.host.commands if c.title == "copy to the remote")
    assert [dict(command.values)["again"] for command in (first, second)] == ["", "yes"]
    assert any(isinstance(event, Message) and "copied again" in event.text for event in pushing.events)


def test_a_copy_that_stays_wrong_is_a_failure_that_is_recorded() -> None:
    pushing = Pushing("checking\n" + RIGHT.splitlines(keepends=True)[0])
    with pytest.raises(OpsError, match=r"not the same as the backup: database\.sql\.gz, objects\.tar\.gz"):
        pushing()
    (record,) = pushing.recorded()
    assert record.offsite is not None
    assert not record.offsite.passed
    assert record.good
    assert pushing.asked("copy the manifest to the remote") == 0


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("dial tcp 10.0.0.1:9000: connect: connection refused", "Nothing answers"),
        ("api error SignatureDoesNotMatch: the request", "refuses the secret"),
        ("api error AccessDenied", "refuses the credentials"),
        ("dial tcp: lookup s3.example.org: no such host", "DNS"),
    ],
)
def test_a_failure_tells_why_and_what_to_do(said: str, hint: str) -> None:
    log = json.dumps({"level": "error", "msg": said})
    pushing = Pushing(result(stderr=log, code=1))
    with pytest.raises(OpsError) as caught:
        pushing()
    assert caught.value.detail == said
    assert hint in caught.value.hint
    assert "inv backup.push" in caught.value.hint
    (record,) = pushing.recorded()
    assert record.offsite == Copy("2025-01-15T12:00:00Z", f"bucket/copies/app1/{BACKUP.id}", said)


def test_a_host_without_rclone_is_told_what_to_do() -> None:
    missing = result(stderr="rclone is not installed on this host", code=127)
    with pytest.raises(OpsError) as caught:
        Pushing(missing)()
    assert "backup.offsite.image" in caught.value.hint


def test_a_manifest_that_does_not_arrive_is_a_failure() -> None:
    pushing = Pushing(RIGHT, result(stderr="cmp: EOF", code=1))
    with pytest.raises(OpsError, match="the copy to bucket/copies/ failed"):
        pushing()
    assert [record.offsite and record.offsite.passed for record in pushing.recorded()] == [True, False]


def test_a_lost_connection_is_recorded_if_the_host_answers_again() -> None:
    pushing = Pushing(ConnectionLost("lost", host="app1"))
    with pytest.raises(ConnectionLost):
        pushing()
    (record,) = pushing.recorded()
    assert record.offsite is not None
    assert record.offsite.result == "lost"


def test_secrets_come_from_the_environment_and_all_that_miss_are_named() -> None:
    _, section = offsite()
    found = push.credentials(section, ENVIRON)
    assert found.secrets == {"secret_access_key": Secret("of-s3")}
    assert found.password == Secret("p")
    assert "of-s3" not in repr(found.secrets)
    with pytest.raises(ConfigError, match="S3_PASSWORD, S3_SECRET must be set"):
        push.credentials(section, {"S3_SECRET": ""})


def test_a_deploy_pushes_only_if_it_is_told_to() -> None:
    assert push.with_deploy(settings(), {}) is None
    assert push.with_deploy(offsite()[0], {}) is None
    config, _ = offsite(with_deploy=True)
    assert push.with_deploy(config, ENVIRON) is not None
    with pytest.raises(ConfigError):
        push.with_deploy(config, {})
    clear, _ = offsite(with_deploy=True, password=None)
    with pytest.raises(ConfigError, match=r"needs backup\.offsite\.password"):
        push.with_deploy(clear, ENVIRON)


CONFIG = replace(BACKUP, files=(*BACKUP.files, File("config.env", 5, "0" * 64)))


def test_secrets_are_not_copied_in_clear() -> None:
    config, section = offsite(password=None)
    host = FakeHost()
    target = push.credentials(section, ENVIRON)
    with pytest.raises(Refused, match=r"config\.env .* in clear") as caught:
        push.Push(context(host, config), section, target)(CONFIG)
    assert "backup.offsite.password" in caught.value.hint
    assert host.commands == []


@pytest.mark.parametrize(
    ("changes", "encrypted"),
    [({"password": None}, False), ({}, True), ({"password": None, "options": {"type": "crypt"}}, True)],
)
def test_a_password_or_a_remote_that_encrypts_keeps_a_copy_from_strangers(
    changes: dict[str, Any], encrypted: bool
) -> None:
    assert push.encrypts(offsite(**changes)[1]) is encrypted
