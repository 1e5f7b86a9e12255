"""Restores and emergencies as an operator types them: questions, the order of things, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from fakes import Answer, FakeHost, result
from test_backup_restore import MADE, SEEN, SLOTS, STAMP, host, titles
from test_backup_run import ANSWER
from test_tasks import Capture, Inv

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.backup.restore.swap import Note
from schedgen_ops.emergency.run import EmergencyHost
from schedgen_ops.errors import ConnectionLost
from schedgen_ops.verify import serving
from schedgen_ops.watch import rules

inv = test_tasks.inv


def ready(**answers: Answer) -> FakeHost:
    on = host(**answers)
    more: dict[Any, Answer] = {
        "list backups": f"{MADE.id} {manifest.to_json(MADE)}\n",
        "count the rows": 'rows ["public.jobs",5]\ncounted\n',
        "schedgen-lock": "acquired \n",
        "read the releases": "\n",
        "git status": f"{'a' * 40}\nmain\n",
        "back up": ANSWER,
        "finish the backup": "",
        "docker compose config --services": "postgres\nminio\nbackend\n",
        "docker compose down --remove-orphans": "",
        re.compile(r"^docker version"): "20.10",
        "stop users": "",
        "start users": "",
        "cat -- /srv/schedgen/.schedgen/recovering": 1,
        re.compile(r"up --detach"): "",
    }
    on.answers |= {key: value for key, value in more.items() if key not in on.answers}
    return on


def test_a_restore_asks_first_and_says_what_would_be_lost(inv: Inv, capsys: Capture) -> None:
    on = ready()
    assert inv("backup.restore", MADE.id, on=[on]) == 2
    assert "No terminal to ask on: Do you want to restore it?" in capsys.readouterr().err
    assert titles(on) == ["list backups", "count the rows"]


def test_a_restore_tells_its_story_and_what_is_kept(inv: Inv, capsys: Capture) -> None:
    on = ready()
    assert inv("backup.restore", MADE.id[:12], "--yes", on=[on]) == 0
    told = capsys.readouterr().out
    for line in (
        "=== Checking the backup ===",
        "=== Restoring beside what serves ===",
        "=== Exchanging ===",
        "Kept: app1: database schedgen_before_",
    ):
        assert line in told
    assert titles(on)[-4:] == ["verify the backup", "restore beside", "swap", SLOTS]


def test_a_restore_that_discards_keeps_nothing(inv: Inv, capsys: Capture) -> None:
    on = ready()
    assert inv("backup.restore", MADE.id, "--discard-old", "--yes", on=[on]) == 0
    assert "Kept: nothing" in capsys.readouterr().out
    assert titles(on)[-1] == "discard what a restore put aside"


@pytest.mark.parametrize(
    ("answers", "code", "last"),
    [
        ({"verify_the_backup": "wrong database.sql.gz is missing\n"}, 5, "verify the backup"),
        ({"restore_beside": SEEN.replace('jobs",3', 'jobs",4')}, 4, "discard what a restore put aside"),
        ({"swap": result(stderr="reason: no", code=1)}, 4, "discard what a restore put aside"),
    ],
)
def test_a_restore_that_fails_leaves_the_old_data(
    inv: Inv,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    answers: dict[str, Answer],
    code: int,
    last: str,
) -> None:
    monkeypatch.setattr(serving, "wrong", lambda *_: ())
    on = ready(**answers)
    assert inv("backup.restore", MADE.id, "--yes", on=[on]) == code
    assert titles(on)[-1] == last
    assert ("The old data is in place" in capsys.readouterr().out) == (code == 4)


def test_old_data_that_does_not_answer_is_not_said_to_be_in_place(
    inv: Inv, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = rules.Finding("service backend", rules.CheckVerdict.FAILED, "is exited (1)")
    monkeypatch.setattr(serving, "wrong", lambda *_: (bad,))
    on = ready(swap=result(stderr="reason: no", code=1))
    assert inv("backup.restore", MADE.id, "--yes", on=[on]) == 5
    told = capsys.readouterr()
    assert "everything answers" not in told.out
    assert "what serves does not pass its checks: service backend is exited (1)" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nope", "--yes"), "there is no backup 'nope'"),
        ((MADE.id, "--only", "config", "--yes"), "--only is database or objects"),
    ],
)
def test_a_wrong_word_is_code_2_and_changes_nothing(
    inv: Inv, capsys: Capture, words: tuple[str, ...], said: str
) -> None:
    on = ready()
    assert inv("backup.restore", *words, on=[on]) == 2
    assert said in capsys.readouterr().err
    assert set(titles(on)) <= {"list backups"}


def test_what_was_put_aside_is_removed_after_a_yes(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.discard", "--yes", on=[ready(list_what_restores_put_aside="")]) == 3
    aside = f"database schedgen_before_{STAMP} 2048\n"
    on = ready(list_what_restores_put_aside=aside)
    assert inv("backup.discard", on=[on]) == 2
    assert inv("backup.discard", "--yes", on=[on]) == 0
    assert titles(on)[-1] == "discard what a restore put aside"
    assert "1 removed" in capsys.readouterr().out


def test_a_backup_is_verified_by_name_or_the_last_one(inv: Inv, capsys: Capture) -> None:
    assert inv("backup.verify", on=[ready()]) == 0
    assert inv("backup.verify", "--id", MADE.id, on=[ready()]) == 0
    damaged = ready(verify_the_backup="wrong objects.tar.gz is missing\n")
    assert inv("backup.verify", on=[damaged]) == 5
    assert f"backup {MADE.id} is damaged" in capsys.readouterr().err


def test_a_drill_verifies_first_and_runs_under_the_lock(inv: Inv, capsys: Capture) -> None:
    on = ready(drill_the_backup=SEEN, update_the_manifest="")
    assert inv("backup.drill", on=[on]) == 0
    assert titles(on) == [
        "schedgen-lock",
        "list backups",
        "verify the backup",
        "drill the backup",
        "update the manifest",
    ]
    assert "Restore drill passed: 3 rows in 1 tables, 3 objects" in capsys.readouterr().out


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification that passes: it has tests of its own."""
    monkeypatch.setattr(EmergencyHost, "verify", lambda _: None)


@pytest.mark.usefixtures("verified")
def test_a_corrupt_database_is_saved_before_it_is_replaced(inv: Inv, capsys: Capture) -> None:
    on = ready()
    assert inv("emergency.database", on=[on]) == 2
    assert titles(on) == ["list backups", "count the rows"]
    on = ready()
    assert inv("emergency.database", "--yes", on=[on]) == 0
    done = [re.sub(r" .*", "", title) if title.startswith("docker") else title for title in titles(on)]
    order = ["verify the backup", "back up", "restore beside", "swap"]
    assert [title for title in done if title in order] == order
    stop = titles(on).index("stop users")
    assert titles(on)[stop + 1] != "swap"
    assert "Everything serves again" in capsys.readouterr().out


@pytest.mark.usefixtures("verified")
def test_who_was_stopped_is_not_started_on_half_exchanged_data(inv: Inv) -> None:
    for note, started in (("swapping b\n", False), ("", True)):
        on = ready(swap=1)
        # At first there is none: the exchange that fails leaves it.
        on.answers["look for half-exchanged data"] = ["", note]
        assert inv("emergency.database", "--yes", on=[on]) == 5
        assert ("start users" in titles(on)) is started


@pytest.mark.usefixtures("verified")
def test_a_host_that_is_lost_before_the_exchange_leaves_nobody_stopped(inv: Inv) -> None:
    on = ready(restore_beside=1)
    on.answers["look for half-exchanged data"] = ["", ConnectionLost("gone")]
    inv("emergency.database", "--yes", on=[on])
    assert "start users" in titles(on)


@pytest.mark.usefixtures("verified")
def test_who_stays_stopped_on_data_that_may_be_half_exchanged_is_told(inv: Inv, capsys: Capture) -> None:
    on = ready(swap=1)
    on.answers["look for half-exchanged data"] = ["", ConnectionLost("gone")]
    assert inv("emergency.database", "--yes", on=[on]) == 5
    assert "stays stopped, it may be half exchanged on app1" in capsys.readouterr().err
    # So it is with data that an earlier run left so, and that could not be put back.
    on = ready(restore_beside=1, swap_back=1)
    note = f"swapping {Note(MADE.id, STAMP, ('database',)).text()}\n"
    on.answers["look for half-exchanged data"] = [note, note, ConnectionLost("gone")]
    assert inv("emergency.database", "--yes", on=[on]) == 5
    assert "start users" not in titles(on)


@pytest.mark.usefixtures("verified")
def test_after_a_complete_failure_everything_is_taken_down_restored_and_started(inv: Inv) -> None:
    on = ready()
    assert inv("emergency.recover", "--yes", on=[on]) == 0
    down = "docker compose down --remove-orphans"
    order = ["verify the backup", down, "back up", "restore beside", "swap"]
    assert [title for title in titles(on) if title in order] == order
    # The data's services first; everything else when the restored data is in place.
    swapped = [command.title for command in on.commands].index("swap")
    started = [number for number, text in enumerate(on.texts) if "up --detach" in text]
    assert [number > swapped for number in started] == [False, False, True]


@pytest.mark.usefixtures("verified")
def test_a_damaged_backup_stops_an_emergency_before_anything_is_stopped(inv: Inv) -> None:
    for task in ("emergency.recover", "emergency.database"):
        on = ready(verify_the_backup="wrong database.sql.gz is missing\n")
        assert inv(task, "--yes", on=[on]) == 5
        assert not any("down" in title or "stop" in title for title in titles(on))


def test_without_a_backup_there_is_nothing_to_recover_from(inv: Inv, capsys: Capture) -> None:
    for task in ("emergency.recover", "emergency.database"):
        assert inv(task, "--yes", on=[ready(list_backups="")]) == 5
        assert "no good backup" in capsys.readouterr().err


@pytest.mark.usefixtures("verified")
@pytest.mark.parametrize("words", [("backup.restore", MADE.id), ("emergency.database",)])
def test_half_exchanged_data_is_put_back_as_a_step_that_changes_something(
    inv: Inv, capsys: Capture, words: tuple[str, ...]
) -> None:
    on = ready(swap_back=ConnectionLost("gone"))
    note = f"swapping {Note(MADE.id, STAMP, ('database', 'objects')).text()}\n"
    on.answers["look for half-exchanged data"] = note
    assert inv(*words, "--yes", "--log-level", "debug", on=[on]) == ConnectionLost("").exit_code
    assert "=== Putting half-exchanged data back ===" in capsys.readouterr().out
    (journal,) = Path("state").rglob("*.jsonl")
    first = next(line for line in journal.read_text().splitlines() if "Putting half" in line)
    assert json.loads(first)["gate"] is False
