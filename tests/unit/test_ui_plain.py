"""The plain form, as the runbook prints it."""

from __future__ import annotations

from pathlib import Path

from ui_kit import Face, finished, runbook_run, started

from schedgen_ops.events import Message, Output, Progress, RunFinished, StepFailed, StepFinished, StepStarted

RUNBOOK = """\
=== Zero-Downtime Deployment Script ===
Branch: main
Started at: 2024-11-30 14:30:00

=== Pre-flight Checks ===
[INFO] Pre-flight checks passed

=== Step 0: Pre-deployment backup ===
[INFO] Creating backup before deployment
[INFO] Backup directory: ./backups/pre-deployment-20241130_143000
[INFO] Backup integrity verified successfully
[INFO] Pre-deployment backup completed successfully

=== Step 1: Pulling latest code ===
[INFO] Code updated successfully

=== Step 2: Building containers ===
[INFO] Containers built successfully

=== Step 3: Running database migrations ===
[INFO] Migrations completed successfully

=== Step 4: Rolling update - Infrastructure services ===
[INFO] Service redis updated successfully
[INFO] Service minio updated successfully

=== Step 5: Rolling update - Application services ===
[INFO] Service pdf-worker updated successfully
[INFO] Service backend updated successfully
[INFO] Service frontend updated successfully

=== Step 6: Rolling update - Monitoring services ===
[INFO] Monitoring services updated

=== Step 7: Post-deployment verification ===
[INFO] All critical services are healthy
[INFO] Deployment verification passed

=== Step 8: Cleaning up old images ===
[INFO] Old images cleaned up

=== Deployment Complete ===
[INFO] All services updated successfully with zero downtime
"""


def test_a_deploy_reads_as_the_runbook_says() -> None:
    face = Face()
    face.tell(*runbook_run("app1"))
    assert face.out == RUNBOOK
    assert face.err == ""


def test_a_simple_terminal_gets_the_same_lines() -> None:
    face = Face(tty=True, environ={"TERM": "dumb"})
    face.tell(*runbook_run("app1"))
    assert face.out == RUNBOOK


def test_with_several_hosts_each_line_names_its_own() -> None:
    face = Face()
    face.tell(started("app1", "app2"), Message("info", "Code updated successfully", "app2"))
    assert face.out.endswith("[INFO] app2: Code updated successfully\n")


def test_a_time_that_the_run_itself_tells_is_told_once() -> None:
    face = Face()
    event = started()
    face.tell(type(event)("deploy", "r", "lab", "Title", (), (("Started at", "noon"),)))
    assert face.out == "=== Title ===\nStarted at: noon\n"


def test_lines_after_the_first_of_a_message_are_indented() -> None:
    face = Face()
    face.tell(Message("info", "Automatic rollback will trigger if:\n- Error rate exceeds 10.00%"))
    assert face.out == "[INFO] Automatic rollback will trigger if:\n  - Error rate exceeds 10.00%\n"


def test_a_failure_is_told_in_the_story_and_explained_on_stderr(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)
    message = "Service backend failed health check after 300s"
    face.tell(
        started("app1"),
        StepStarted("5", "Rolling update - Application services"),
        Message("error", message, "app1"),
        StepFailed("5", "Rolling update - Application services", 300.0, message),
        RunFinished(
            4,
            "Deployment Failed",
            310.0,
            message,
            hint="Read the log of the backend",
            detail="Error: connect ECONNREFUSED\n    at connect",
            host="app1",
            step="Rolling update - Application services",
        ),
    )
    assert face.out.endswith(
        "=== Step 5: Rolling update - Application services ===\n"
        "[ERROR] Service backend failed health check after 300s\n"
        "\n"
        "=== Deployment Failed ===\n"
    )
    assert face.err == (
        "\n"
        "ERROR: Service backend failed health check after 300s\n"
        "  host:    app1\n"
        "  step:    Rolling update - Application services\n"
        "  outcome: the old release still serves\n"
        "    Error: connect ECONNREFUSED\n"
        "        at connect\n"
        "  next:    Read the log of the backend\n"
        f"  log:     {tmp_path}/deploy-20241130_143000.log\n"
    )


def test_a_step_that_fails_without_a_word_says_why() -> None:
    face = Face()
    face.tell(
        started(), StepStarted("2", "Building containers"), StepFailed("2", "Building containers", 1, "No")
    )
    assert face.out.endswith("[ERROR] No\n")


def test_remote_output_shows_at_debug_only() -> None:
    events = (started("app1"), Output("npm ci", "app1"))
    quiet, loud, many = Face(), Face(log_level="debug"), Face(log_level="debug")
    quiet.tell(*events)
    loud.tell(*events)
    many.tell(started("app1", "app2"), events[1])
    assert "npm" not in quiet.out
    assert loud.out.endswith("  | npm ci\n")
    assert many.out.endswith("  app1 | npm ci\n")


def test_at_level_warning_a_run_that_goes_well_is_silent() -> None:
    face = Face(log_level="warning")
    face.tell(*runbook_run("app1"))
    assert face.out == face.err == ""


def test_at_level_error_warnings_are_silent_too() -> None:
    face = Face(log_level="error")
    face.tell(Message("warn", "Disk is 79 % full"), Message("error", "Disk is full"))
    assert face.out == "[ERROR] Disk is full\n"


def test_a_long_action_shows_that_it_lives_every_ten_seconds() -> None:
    face = Face()
    with face.ui:
        face.ui.emit(StepStarted("7", "Watching"))
        for second in range(0, 31, 2):
            face.time.passed = second
            face.ui.emit(Progress("Checks: 3 | Failures: 0", second, 600, "seconds"))
        face.ui.emit(StepFinished("7", "Watching", 30.0))
    assert face.out.splitlines()[1:] == [
        "  Progress: 10s / 600s | Checks: 3 | Failures: 0",
        "  Progress: 20s / 600s | Checks: 3 | Failures: 0",
        "  Progress: 30s / 600s | Checks: 3 | Failures: 0",
    ]


def test_bytes_that_move_are_told_once_a_minute() -> None:
    face = Face()
    with face.ui:
        for second in range(0, 121, 5):
            face.time.passed = second
            face.ui.emit(Progress("database", second * 1024**2, 300 * 1024**2, "bytes"))
    assert face.out.splitlines() == [
        "  Progress: 60.0 MiB / 300.0 MiB | database",
        "  Progress: 120.0 MiB / 300.0 MiB | database",
    ]


def test_the_end_says_what_is_next_and_where_the_log_is(tmp_path: Path) -> None:
    face = Face(log_dir=tmp_path)
    end = finished()
    face.tell(
        started(), type(end)(0, end.title, 1.0, "Done", hint="inv verify.quick", facts=(("Release", "7"),))
    )
    assert face.out.endswith(
        "=== Deployment Complete ===\n"
        "[INFO] Done\n"
        "Release: 7\n"
        "Next: inv verify.quick\n"
        f"Log: {tmp_path}/deploy-20241130_143000.log\n"
    )
