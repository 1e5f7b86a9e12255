"""What the team reads of a run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schedgen_ops.events import (
    Event,
    Fact,
    Message,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
)
from schedgen_ops.notify.notice import Notice, Surroundings, beginning, ending
from schedgen_ops.notify.run_summary import GATE, RunSummary

AT = datetime(2024, 11, 30, 14, 30, tzinfo=UTC)
CONTACTS = (("Primary: team lead", "+49 30 1234567"), ("On-call", "pager 7"))
AROUND = Surroundings("ann@laptop", "laptop", "https://ci.example/7", CONTACTS)
STARTED = RunStarted(
    "deploy",
    "20241130_143000",
    "production",
    "Zero-Downtime Deployment Script",
    ("app1", "app2"),
    (("Branch", "v1.2.3"), ("Environment", "production")),
    (("", GATE), ("0", "Pre-deployment backup")),
)
LOOKED = (StepStarted("", GATE, gate=True), StepFinished("", GATE, 2.0))
PASSED = StepStarted("0", "Pre-deployment backup")


def after(*events: Event) -> RunSummary:
    run = RunSummary()
    for event in events:
        run = run.after(event)
    return run


def ended(end: RunFinished, *events: Event) -> Notice:
    return ending(after(STARTED, *events), AROUND, end, "/home/ann/deploy.log")


def test_the_start_says_when_how_long_and_what_visitors_notice() -> None:
    run = after(STARTED, Fact("impact", "None (zero-downtime)"), PASSED)
    told = beginning(run, AROUND, AT, 372.0)
    assert told.title == "Deployment of v1.2.3 on production started"
    assert told.body == (
        "Starting deployment at 14:30 UTC: app1, app2\n"
        "By: ann@laptop\n"
        "Estimated duration: about 6 min\n"
        "Expected impact: None (zero-downtime)\n"
        "See: https://ci.example/7"
    )
    assert told.occasions == {"started"}


def test_without_an_earlier_run_no_duration_is_claimed() -> None:
    told = beginning(after(STARTED, PASSED), AROUND, AT, 0.0)
    assert "Estimated duration: not known" in told.body


def test_the_end_has_the_proof_the_changes_and_where_the_log_is() -> None:
    told = ended(
        RunFinished(
            0,
            "Deployment Complete",
            372.4,
            "All services updated successfully: r2 serves",
            facts=(("Release", "r2"), ("Previous", "r1"), ("Backup", "/srv/backups/b1")),
        ),
        PASSED,
        Fact("changes", ["1a2b3c4 Read larger files"]),
        Fact("migrations", ("1700-AddIndex.ts",)),
        Fact("proof", ("Zero downtime: 812 requests during the run, none failed", "during: 500 requests")),
        Message("warn", "Service cron still runs"),
    )
    assert told.title == "Deployment of v1.2.3 on production finished"
    assert told.body == (
        "All services updated successfully: r2 serves\n"
        "By: ann@laptop\n"
        "Took: 6 min 12 s\n"
        "Release: r2\n"
        "Previous: r1\n"
        "Backup: /srv/backups/b1\n"
        "Zero downtime: 812 requests during the run, none failed\n"
        "during: 500 requests\n"
        "Changes:\n"
        "  1a2b3c4 Read larger files\n"
        "Migrations:\n"
        "  1700-AddIndex.ts\n"
        "1 warning, in the log\n"
        "See: https://ci.example/7\n"
        "Log: laptop:/home/ann/deploy.log\n"
        "Report: laptop:/home/ann/deploy.html"
    )
    assert told.occasions == {"finished"}
    assert not told.bad


def test_whom_to_call_is_said_where_a_person_is_needed_and_nowhere_else() -> None:
    needed = ended(RunFinished(5, "", 60.0, "Taking back failed", hint="Look now", host="app1"), PASSED)
    assert needed.title == "Deployment of v1.2.3 on production FAILED and needs a person"
    assert "Host: app1\n" in needed.body
    assert "Next: Look now\nCall: Primary: team lead: +49 30 1234567\nCall: On-call: pager 7\n" in needed.body
    back = ended(RunFinished(4, "", 60.0, "Build failed"), PASSED)
    assert back.title == "Deployment of v1.2.3 on production failed and was taken back"
    assert "Call" not in back.body


@pytest.mark.parametrize(
    ("code", "events", "occasions"),
    [
        (0, [PASSED], {"finished"}),
        (4, [PASSED], {"rolled_back"}),
        (4, [PASSED, StepFailed("0", "Pre-deployment backup", 1.0, "no")], {"rolled_back", "backup_failed"}),
        (5, [PASSED], {"failed"}),
        (5, [], {"failed"}),
        (6, [PASSED], {"failed"}),
        (3, [PASSED], {"failed"}),
        (3, [], {"refused"}),
        (7, [], {"refused"}),
        (8, [], {"refused"}),
        (130, [PASSED], {"failed"}),
        # A hook before the deploy, or images that are gone: nothing was changed, though the look went well.
        (3, [*LOOKED], {"refused"}),
        (3, [*LOOKED, StepStarted("", "Hook pre-deploy", gate=True)], {"refused"}),
    ],
)
def test_what_kind_of_end_it_was(code: int, events: list[Event], occasions: set[str]) -> None:
    assert ended(RunFinished(code, "", 1.0, "x"), *events).occasions == occasions


def test_a_run_begins_when_a_step_begins_that_may_change_something() -> None:
    assert not after(STARTED, *LOOKED).begins
    assert after(STARTED, *LOOKED, PASSED).begins
    restore = RunStarted("restore", "r", "production", "Restore", ("a",), (), (("", "Checking the backup"),))
    assert not after(restore, StepStarted("", "Checking the backup", gate=True)).begins
    # It takes back what it finds while it looks.
    recover = RunStarted("recover", "r", "production", "Recovery", ("a",), (), (("", GATE),))
    assert after(recover, *LOOKED).begins


def test_a_host_that_is_not_reached_is_no_failed_deploy() -> None:
    assert ended(RunFinished(8, "", 1.0, "no route")).title.endswith("did not begin")
    assert ended(RunFinished(2, "", 1.0, "no")).title.endswith("did not begin, nothing was changed")
    assert ended(RunFinished(8, "", 1.0, "no route"), PASSED).title.endswith("production failed")


def test_what_was_put_right_before_a_run_ended_is_never_told_as_nothing() -> None:
    half = RunFinished(
        3, "", 1.0, "no", outcome="an interrupted release was taken back; nothing else was changed"
    )
    assert ended(half, StepStarted("", GATE, gate=True)).title.endswith("was refused")
    recover = after(RunStarted("recover", "r", "production", "Recovery", ("a",), (), (("", GATE),)))
    for end in (half, RunFinished(8, "", 1.0, "gone"), RunFinished(130, "", 1.0, "interrupted")):
        told = ending(recover, AROUND, end, "")
        assert told.occasions == {"failed"}
        assert "nothing" not in told.title
    assert ending(recover, AROUND, RunFinished(7, "", 1.0, "held"), "").occasions == {"refused"}


def test_a_rollback_that_was_asked_for_is_one_and_a_backup_is_told_of_where_it_fails() -> None:
    back = RunStarted("rollback", "r", "production", "Rollback", ("a",), (("To", "r1 (v1)"),), (("", GATE),))
    told = ending(after(back, PASSED), AROUND, RunFinished(0, "Rollback Complete", 1.0), "")
    assert told.occasions == {"finished", "rolled_back"}
    assert told.title == "Rollback to r1 (v1) on production finished"
    saved = after(RunStarted("backup", "r", "production", "Backup", ("a",)))
    assert ending(saved, AROUND, RunFinished(5, "", 1.0, "no"), "").occasions == {"backup_failed"}
    assert ending(saved, AROUND, RunFinished(0, "", 1.0, "ok"), "").occasions == frozenset()


def test_foreign_text_is_one_safe_line_of_bounded_length() -> None:
    many = [f"c{number} \x1b]0;owned\x07" + "x" * 5000 for number in range(40)]
    told = ended(RunFinished(0, "Done", 1.0), PASSED, Fact("changes", many))
    assert "\x1b" not in told.body
    assert "\x07" not in told.body
    assert max(map(len, told.body.splitlines())) <= 300
    assert "  and 30 more" in told.body or "and 30 more" in told.body


def test_what_doctor_found_stands_below_what_is_to_do_next_with_its_fix() -> None:
    full = {"cause": "disk space", "text": "0.1 GB are free", "fix": "inv ops.prune", "evidence": []}
    silent = {"cause": "not looked at", "text": "the connection died", "fix": "", "evidence": []}
    told = ended(
        RunFinished(4, "", 60.0, "Service backend failed", hint="Mend backend and deploy again."),
        PASSED,
        Fact("doctor", [full], "app1"),
        Fact("doctor", [silent], "app2"),
    )
    assert (
        "Next: Mend backend and deploy again.\n"
        "Doctor: app1: disk space (fix: inv ops.prune)\n"
        "Doctor: app2: not looked at\n"
    ) in told.body
