"""What proves that a service cannot start with its files, and what does not: words that engines wrote."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from fakes import Answer, result
from kit import OBJECTS, recorded
from test_backup_restore import boxes
from test_emergency import site, warned

from schedgen_ops.commands.docker import parse_containers
from schedgen_ops.databases.postgres import Postgres
from schedgen_ops.emergency import proof
from schedgen_ops.errors import ConnectionLost, OpsError


def ended(name: str) -> dict[str, Answer]:
    """PostgreSQL as it was left, and what it wrote: recorded from real ones."""
    first, _, log = recorded(f"lastwords/{name}.txt").partition("\n")
    status, code, oom, restarts, started, _ = first.split(maxsplit=5)
    box = json.loads(boxes("postgres")) | {
        "status": status,
        "exit_code": int(code),
        "oom": oom == "true",
        "restarts": int(restarts),
        "started": started,
    }
    return {"docker inspect": json.dumps(box), "{ docker logs --tail 200 id-postgres; } 2>&1": log}


PROOFS = {
    "no-wal": "could not locate a valid checkpoint record",
    "garbage-wal": "could not locate a valid checkpoint record",
    "zero-control": "database files are incompatible with server",
    "no-control": "could not find the database system",
    "no-global": "could not find the database system",
    "old-version": "database files are incompatible with server",
    "bad-version": "is not a valid data directory",
    "no-xact": "could not access status of transaction 726",
}
NO_PROOFS = {
    "permission": "exited with exit code 1, after '.*contains errors'",
    "conf": "exited with exit code 1, after '.*contains errors'",
    "no-password": "exited with exit code 1, after 'POSTGRES_PASSWORD is not set",
    "oom": "exited with exit code 137, out of memory",
    "port": "was never started",
    # It says what is wrong with its files, and goes on trying: it has not ended.
    "no-filenode": "it runs, and may still be starting",
    "bad-filenode": "it runs, and may still be starting",
}
DAMAGE = (*Postgres.damage, *OBJECTS.damage)
FAILURE = result(stderr="container schedgen-postgres-1 is unhealthy", code=1)


@pytest.mark.parametrize(("name", "line"), PROOFS.items(), ids=PROOFS.keys())
def test_only_an_end_that_speaks_of_the_files_sets_them_aside(name: str, line: str) -> None:
    one, on, told = site(**ended(name))
    on.answers[re.compile(r"up --detach")] = [FAILURE, "", ""]
    one.up_data()
    assert line in warned(told)[0]
    assert [c.title for c in on.commands].count("set the files aside") == 1


@pytest.mark.parametrize(("name", "seen"), NO_PROOFS.items(), ids=NO_PROOFS.keys())
def test_whatever_else_keeps_a_service_from_starting_leaves_its_files_alone(name: str, seen: str) -> None:
    one, on, _ = site(**ended(name))
    on.answers[re.compile(r"up --detach")] = FAILURE
    with pytest.raises(OpsError, match=seen) as caught:
        one.up_data()
    assert caught.value.exit_code == 5
    assert "No file was touched" in caught.value.hint
    assert not any(command.title == "set the files aside" for command in on.commands)


@pytest.mark.parametrize(
    "line",
    [
        'FATAL:  could not write lock file "postmaster.pid": No space left on device',
        'PANIC:  could not write to file "pg_wal/xlogtemp.29": No space left on device',
        'FATAL:  could not open file "global/pg_control": Permission denied',
        'PANIC:  could not open file "global/pg_control": Read-only file system',
        'PANIC:  could not fsync file "base/5/1259": Input/output error',
        "FATAL:  could not map anonymous shared memory: Cannot allocate memory",
        'FATAL:  lock file "postmaster.pid" already exists',
        'LOG:  could not bind IPv4 address "0.0.0.0": Address already in use',
        "FATAL:  the database system is starting up",
        "Error: Database is uninitialized and superuser password is not specified.",
        "FATAL:  sorry, too many clients already",
        "LOG:  redo in progress, elapsed time: 250.00 s, current LSN: 3/DEADBEEF",
        "LOG:  invalid record length at 0/1B37AF8: wanted 24, got 0",
    ],
)
def test_a_line_of_another_cause_proves_nothing(line: str) -> None:
    (box,) = parse_containers(str(ended("conf")["docker inspect"]))
    assert proof.evidence(box, [line], DAMAGE) == ""
    assert proof.evidence(box, ["PANIC:  could not locate a valid checkpoint record"], DAMAGE) != ""


@pytest.mark.parametrize(
    "line",
    [
        "FATAL:  could not locate required checkpoint record",
        "FATAL:  incorrect checksum in control file",
        'FATAL:  relation mapping file "global/pg_filenode.map" contains invalid data',
        'FATAL:  could not open directory "pg_notify": No such file or directory',
        'PANIC:  could not read file "pg_wal/000000010000000000000001": read 0 of 8192',
        "FATAL:  WAL file is from different database system: WAL file database system identifier is 7",
        "FATAL:  invalid page in block 3 of relation base/5/1259",
        "FATAL:  WAL ends before end of online backup",
        "Error: corrupted backend format, specified disk mount '/data' has unexpected previous content",
        "ERROR Unable to initialize backend: file is corrupted",
        "Drive /data: found backend type fs, expected xl or xl-single",
    ],
)
def test_engines_speak_of_their_files_in_these_words(line: str) -> None:
    (box,) = parse_containers(str(ended("conf")["docker inspect"]))
    assert proof.evidence(box, ["2026 starting", line], DAMAGE) == line
    assert proof.evidence(replace(box, status="running"), [line], DAMAGE) == ""
    assert proof.evidence(replace(box, status="created"), [line], DAMAGE) == ""
    assert proof.evidence(replace(box, exit_code=137), [line], DAMAGE) == ""
    assert proof.evidence(replace(box, exit_code=0), [line], DAMAGE) == ""


def test_a_lost_connection_says_nothing_of_the_files() -> None:
    one, on, _ = site(**ended("no-wal"))
    on.answers[re.compile(r"up --detach")] = ConnectionLost("the connection died", host="app1")
    with pytest.raises(OpsError, match="whether postgres starts is not known") as caught:
        one.up_data()
    assert caught.value.exit_code == 5
    assert not any(command.title == "set the files aside" for command in on.commands)


def test_one_that_is_started_over_and_over_is_seen_when_it_has_just_ended() -> None:
    answers = ended("no-wal")
    box = json.loads(str(answers["docker inspect"]))
    again = json.dumps(box | {"status": "running", "restarts": 7})
    between = json.dumps(box | {"status": "restarting", "restarts": 8})
    one, on, told = site(**answers | {"docker inspect": [again, again, *[between] * 9]})
    on.answers[re.compile(r"up --detach")] = [FAILURE, "", ""]
    one.up_data()
    assert "valid checkpoint record" in warned(told)[0]
