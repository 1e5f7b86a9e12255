"""Emergencies on a stand-in for a host: the order of things, and what is saved before it is replaced."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fakes import Answer, FakeClock, FakeHost, context, result
from kit import settings
from test_backup_restore import ALL, boxes
from test_backup_run import ANSWER

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.emergency.run import EmergencyHost
from schedgen_ops.errors import OpsError, Refused, VerificationFailed
from schedgen_ops.events import Event, Message
from schedgen_ops.verify import run as verifier
from schedgen_ops.watch.rules import CheckVerdict, Finding

SUM = "0" * 64


def site(**answers: Answer) -> tuple[EmergencyHost, FakeHost, list[Event]]:
    table: dict[Any, Answer] = {
        "docker inspect": ALL,
        "read the releases": "\n",
        "git status": f"{'a' * 40}\nmain\n",
        "docker compose config --services": "postgres\nredis\nminio\nbackend\nfrontend\npdf-worker\nextra\n",
        "docker compose down --remove-orphans": "",
        "back up": ANSWER,
        "finish the backup": "",
        "list backups": "",
        "record the failed backup": "",
        "set the files aside": f"file files-0.tar.gz 5 {SUM}\n",
        "update the manifest": "",
        "stop users": "",
        "start users": "started id-backend\nstarted id-pdf-worker\n",
        re.compile(r"^sleep "): "",
        re.compile(r"up --detach"): "",
    }
    own = {name.replace("_", " "): value for name, value in answers.items()}
    on, told = FakeHost(answers=table | own), list[Event]()
    return EmergencyHost(context(on, settings(), FakeClock(), told.append)), on, told


def warned(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, Message) and event.level == "warn"]


def test_without_docker_nothing_is_begun() -> None:
    one, on, _ = site()
    on.answers["docker version --format '{{.Server.Version}}'"] = result(stderr="no daemon", code=1)
    with pytest.raises(Refused, match="Docker does not answer"):
        one.look()


def test_only_what_belongs_here_and_is_defined_is_started() -> None:
    one, on, _ = site()
    one.up()
    assert on.commands[-1].title.endswith("postgres redis minio pdf-worker backend frontend")


def test_a_service_that_starts_keeps_its_files() -> None:
    one, on, told = site()
    one.up_data()
    started = [command.title for command in on.commands if "up --detach" in command.text]
    assert [title.rpartition(" ")[2] for title in started] == ["postgres", "minio"]
    assert not any(command.title == "set the files aside" for command in on.commands)
    assert warned(told) == []


def test_files_that_a_service_does_not_start_with_are_set_aside_and_it_starts_anew() -> None:
    exited = ALL.replace('"running"', '"exited"').replace('"exit_code": 0', '"exit_code": 1')
    said = "PANIC:  could not locate a valid checkpoint record\n"
    one, on, told = site(docker_inspect=exited)
    on.answers["{ docker logs --tail 200 id-postgres; } 2>&1"] = said
    on.answers[re.compile(r"up --detach")] = [result(stderr="container postgres exited (1)", code=1), "", ""]
    one.up_data()
    record = manifest.from_json(str(next(c for c in on.commands if c.title == "update the manifest").stdin))
    assert (record.state, record.kind, record.files[0].name) == ("FAILED", "safety", "files-0.tar.gz")
    assert warned(told)[0].startswith("postgres does not start with its files")
    assert warned(told)[0].endswith("PANIC:  could not locate a valid checkpoint record")


def test_a_service_without_a_container_that_does_not_start_is_an_error() -> None:
    one, on, _ = site(docker_inspect=boxes("redis"))
    on.answers[re.compile(r"up --detach")] = 1
    with pytest.raises(OpsError, match="postgres has no container"):
        one.up_data()


def test_what_is_there_is_saved_as_a_whole_or_in_parts_and_never_stops_the_rest() -> None:
    data = frozenset({"database", "objects"})
    one, on, told = site()
    one.safety(data)
    assert [c.title for c in on.commands].count("back up") == 1
    assert warned(told) == []
    broken = result(stderr="reason: the database's dump failed", code=1)
    one, on, told = site(back_up=[broken, broken, ANSWER])
    one.safety(data)
    assert [c.title for c in on.commands].count("back up") == 3
    assert len(warned(told)) == 2
    assert "the database could not be saved" in warned(told)[1]


def test_what_uses_the_database_is_stopped_and_started_again() -> None:
    one, on, _ = site()
    one.stop_users()
    one.start_users()
    stopping = next(command for command in on.commands if command.title == "stop users")
    assert dict(stopping.values)["containers"] == ("id-backend", "id-pdf-worker")
    assert [c.title for c in on.commands].index("start users") > on.commands.index(stopping)
    assert on.commands[-1].title.endswith("--no-recreate --no-deps backend pdf-worker")


def test_what_was_just_started_may_take_a_moment_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    well = Finding("a", CheckVerdict.PASSED, "fine")
    answers = iter(((well, Finding("b", CheckVerdict.FAILED, "answered 503")),) * 2 + ((well, well),))
    monkeypatch.setattr(verifier, "patiently", lambda *_: next(answers))
    one, on, _ = site(**{"sleep 1": ""})
    one.verify()
    assert [command.text for command in on.commands].count("sleep 1") == 2


def test_a_check_that_does_not_pass_is_code_6(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = (Finding("a", CheckVerdict.PASSED, "fine"), Finding("b", CheckVerdict.FAILED, "answered 500"))
    monkeypatch.setattr(verifier, "patiently", lambda *_: findings)
    with pytest.raises(VerificationFailed, match="1 of 2 checks") as caught:
        site(**{"sleep 1": ""})[0].verify()
    assert (caught.value.detail, caught.value.exit_code) == ("b: answered 500", 6)
