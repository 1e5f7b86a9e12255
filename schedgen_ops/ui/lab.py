"""What the lab says: lines that stay, and on a terminal one line that shows what is at work."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from schedgen_ops.ui.tables import Column, Table, show
from schedgen_ops.ui.terminal import Writer, is_live, printable

if TYPE_CHECKING:
    from schedgen_ops.lab.demo import Demo
    from schedgen_ops.lab.report import HostReport

BLINK = 0.5
HEARTBEAT = 15.0
ERASE = "\r\x1b[2K"
NEXT = (
    "",
    "Try next:",
    "  inv deploy.plan --env lab --branch v1.2.4          what a deploy would do",
    "  inv deploy --env lab --branch v1.2.4               the next release",
    "  inv deploy --env lab --branch broken-health        a release that never becomes healthy",
    "  inv deploy.history --env lab                       what was deployed",
    "  inv lab.status, inv lab.reset, inv lab.down        the lab itself",
)


class LabConsole:
    """The lab's Progress. Off a terminal, a step that takes long says every 15 s that it goes on."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._out = Writer(stream or sys.stderr)
        self._live = is_live(self._out.stream, os.environ)
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """A line that stays."""
        with self._lock:
            self._out.text(f"{ERASE if self._live else ''}[lab] {printable(text)}\n")

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Something that takes a while: its title, its last line of output, and how long it took."""
        started, last, over = time.monotonic(), [""], threading.Event()
        if not self._live:
            self.say(f"{title} ...")
        ticker = threading.Thread(target=self._tick, args=(title, started, last, over), daemon=True)
        ticker.start()
        try:
            yield lambda line: last.__setitem__(0, line)
        except BaseException:
            over.set()
            self.say(f"{title}: failed after {time.monotonic() - started:.1f} s")
            raise
        over.set()
        ticker.join()
        self.say(f"{title}: {time.monotonic() - started:.1f} s")

    def _tick(self, title: str, started: float, last: list[str], over: threading.Event) -> None:
        while not over.wait(BLINK if self._live else HEARTBEAT):
            text = f"{title}: {time.monotonic() - started:.0f} s  {printable(last[0])}"
            if not self._live:
                self.say(text)
                continue
            width = shutil.get_terminal_size().columns - 1
            with self._lock:
                if not over.is_set():
                    self._out.text(f"{ERASE}[lab] {text}"[: width + len(ERASE)])


def show_status(reports: tuple[HostReport, ...], json_output: bool = False) -> None:
    """Each host: where it is, what runs on it, how it feels."""
    columns = (
        Column("Host"), Column("Address"), Column("Running", _yes_no), Column("Release", key="version"),
        Column("Healthy", right=True), Column("Containers", right=True),
        Column("Memory", _mib, key="memory_mib", right=True), Column("Not healthy", ", ".join),
    )  # fmt: skip
    rows = tuple(_row(report) for report in reports)
    show(Table(columns, rows, empty="No host runs. Boot one: inv lab.up"), json_output=json_output)


def show_hosts(reports: tuple[HostReport, ...]) -> None:
    """Where to look, once the lab is up."""
    show_status(reports)
    out = Writer(sys.stdout)
    for report in reports:
        site = f"http://{report.address}"
        out.lines(f"{report.name}: {site}:3000/ (site), {site}:3002/ (dashboards)")


def _row(report: HostReport) -> tuple[object, ...]:
    unwell = tuple(f"{name} {health}" for name, health in report.services if health != "healthy")
    return (
        report.name, report.address, report.running, report.version, report.healthy, len(report.services),
        report.memory_mib, unwell,
    )  # fmt: skip


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _mib(value: int) -> str:
    return f"{value} MiB" if value else ""


def show_demo(demo: Demo) -> None:
    """How the demo went, and what to try next."""
    out = Writer(sys.stdout)
    verdict = "Deployed" if demo.code == 0 else f"The deploy failed (exit code {demo.code})"
    out.lines("", f"=== {verdict}: {demo.before} -> {demo.after or '?'} in {demo.seconds:.0f} s ===", "")
    show(Table((Column("Step"), Column("Seconds", _tenths, right=True)), demo.steps, empty="No step ran."))
    columns = (
        Column("Visitors of"), Column("Requests", right=True), Column("Failed", right=True),
        Column("Slowest", _tenths, right=True), Column("Longest without an answer", _tenths, right=True),
    )  # fmt: skip
    seen = demo.experiences
    rows = tuple((one.url, one.requests, one.failures, one.slowest, one.longest_gap) for one in seen)
    out.lines("")
    show(Table(columns, rows))
    files = (("Log", demo.log), ("Journal", demo.journal))
    out.lines("", *(f"{name}: {path}" for name, path in files if path), *NEXT)


def _tenths(value: float) -> str:
    return f"{value:.1f} s"
