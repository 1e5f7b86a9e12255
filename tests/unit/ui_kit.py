"""What the tests of the ui share: a clock that stands still, a run as the runbook tells it, streams."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schedgen_ops.events import Event, Message, RunFinished, RunStarted, StepFinished, StepStarted
from schedgen_ops.ui import open_ui
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.session import Ui

START = datetime(2024, 11, 30, 14, 30, tzinfo=UTC)


class FakeTime:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    @property
    def clock(self) -> DisplayClock:
        return DisplayClock(self.now, self.monotonic)


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Face:
    """A `Ui` on streams in memory."""

    def __init__(
        self,
        *,
        json_output: bool = False,
        log_level: str = "info",
        log_dir: Path | None = None,
        estimates: Mapping[str, float] | None = None,
        tty: bool = False,
        environ: Mapping[str, str] | None = None,
        stdin: io.StringIO | None = None,
    ) -> None:
        self.time = FakeTime()
        self.stdout = Tty() if tty else io.StringIO()
        self.stderr = io.StringIO()
        self.ui: Ui = open_ui(
            json_output,
            log_level,
            log_dir,
            estimates,
            stdout=self.stdout,
            stderr=self.stderr,
            stdin=stdin or sys.stdin,
            environ={"TERM": "xterm-256color"} if environ is None else environ,
            now=self.time.now,
            monotonic=self.time.monotonic,
        )

    def tell(self, *events: Event) -> None:
        """Emit `events`, then close."""
        with self.ui:
            for event in events:
                self.ui.emit(event)

    @property
    def out(self) -> str:
        return self.stdout.getvalue()

    @property
    def err(self) -> str:
        return self.stderr.getvalue()


def started(*hosts: str, steps: tuple[tuple[str, str], ...] = ()) -> RunStarted:
    """The first event of a deploy."""
    return RunStarted(
        command="deploy",
        run="20241130_143000",
        env="production",
        title="Zero-Downtime Deployment Script",
        hosts=hosts or ("app1",),
        facts=(("Branch", "main"),),
        steps=steps,
    )


_STORY = (
    ("", "Pre-flight Checks", ("Pre-flight checks passed",)),
    (
        "0",
        "Pre-deployment backup",
        (
            "Creating backup before deployment",
            "Backup directory: ./backups/pre-deployment-20241130_143000",
            "Backup integrity verified successfully",
            "Pre-deployment backup completed successfully",
        ),
    ),
    ("1", "Pulling latest code", ("Code updated successfully",)),
    ("2", "Building containers", ("Containers built successfully",)),
    ("3", "Running database migrations", ("Migrations completed successfully",)),
    (
        "4",
        "Rolling update - Infrastructure services",
        ("Service redis updated successfully", "Service minio updated successfully"),
    ),
    (
        "5",
        "Rolling update - Application services",
        (
            "Service pdf-worker updated successfully",
            "Service backend updated successfully",
            "Service frontend updated successfully",
        ),
    ),
    ("6", "Rolling update - Monitoring services", ("Monitoring services updated",)),
    (
        "7",
        "Post-deployment verification",
        ("All critical services are healthy", "Deployment verification passed"),
    ),
    ("8", "Cleaning up old images", ("Old images cleaned up",)),
)


STEPS = tuple((number, title) for number, title, _ in _STORY)


def finished(code: int = 0) -> RunFinished:
    """The last event of a deploy that went well."""
    message = "All services updated successfully with zero downtime"
    return RunFinished(code, "Deployment Complete", 83.0, message)


def runbook_run(*hosts: str) -> tuple[Event, ...]:
    """A deploy that goes well, step by step, each step ending after 1.5 s."""
    events: list[Event] = [started(*hosts, steps=STEPS)]
    for number, title, messages in _STORY:
        events.append(StepStarted(number, title))
        events += (Message("info", text, hosts[0] if hosts else "") for text in messages)
        events.append(StepFinished(number, title, 1.5))
    return (*events, finished())
