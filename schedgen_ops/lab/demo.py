"""The demo: one host on v1.2.2, a deploy of v1.2.3 to it, and visitors on the site all the while."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedgen_ops.lab import manager, report
from schedgen_ops.lab.load import Experience, traffic
from schedgen_ops.lab.place import RELEASE, LabHost, Place
from schedgen_ops.lab.progress import LabProgress

TARGET = "v1.2.3"
HOST = LabHost(1)
SITE = (f"http://{HOST.address}:3000/", f"http://{HOST.address}:3001/health")


@dataclass(frozen=True, slots=True)
class Demo:
    """What happened. `steps` are (title, seconds); `log` and `journal` are "" where the deploy left none."""

    code: int
    before: str
    after: str
    seconds: float
    steps: tuple[tuple[str, float], ...]
    log: str
    journal: str
    experiences: tuple[Experience, ...]


def run(place: Place, root: Path, progress: LabProgress) -> Demo:
    """Boot or reset the host, deploy to it from `root`, and tell what came of it.

    Raises LabError when the lab cannot be brought up; a failed deploy is told by `Demo.code`.
    """
    manager.up(place, 1, progress)
    if _version() != RELEASE.removeprefix("v"):
        manager.reset(place, 1, progress)
    before = _version()
    command = ("deploy", "--env", "lab", "--hosts", HOST.name, "--branch", TARGET, "--yes")
    progress.say(f"Visitors go to {' and '.join(SITE)} from now on")
    progress.say(f"inv {' '.join(command)}")
    started, wall = time.monotonic(), time.time()
    with traffic(*SITE) as experiences:
        code = subprocess.run([sys.executable, "-m", "invoke", *command], cwd=root, check=False).returncode
        seconds, seen = time.monotonic() - started, experiences()
    journal = _journal(wall)
    log = journal.with_suffix(".log") if journal else None
    steps = _steps(journal) if journal else ()
    return Demo(code, before, _version(), seconds, steps, str(log or ""), str(journal or ""), seen)


def steps_of(events: tuple[dict[str, Any], ...]) -> tuple[tuple[str, float], ...]:
    """Return the steps that ended, well or not, with their seconds, of a journal's events."""
    ends = (event for event in events if event.get("event") in ("step.finished", "step.failed"))
    return tuple((_title(event), float(event.get("seconds") or 0.0)) for event in ends)


def _title(event: dict[str, Any]) -> str:
    number, title = event.get("number"), str(event.get("title", ""))
    return f"Step {number}: {title}" if number else title


def _journal(since: float) -> Path | None:
    """The journal of the deploy that was just run."""
    from schedgen_ops.task_run import log_folder
    from schedgen_ops.ui.journal import journals

    found = journals(log_folder("lab"), "deploy", 1)
    return found[0] if found and found[0].stat().st_mtime >= since else None


def _steps(journal: Path) -> tuple[tuple[str, float], ...]:
    from schedgen_ops.ui.journal import read

    return steps_of(read(journal))


def _version() -> str:
    return next((seen.version for seen in report.observe() if seen.name == HOST.name), "")
