"""What the tasks of `inv lab` show."""

from __future__ import annotations

import sys

from schedgen_ops.lab.demo import Demo
from schedgen_ops.lab.report import LabHostReport
from schedgen_ops.ui.tables import Column, Table, show
from schedgen_ops.ui.terminal import Writer

NEXT = (
    "",
    "Try next:",
    "  inv deploy.plan --env lab --branch v1.2.4          what a deploy would do",
    "  inv deploy --env lab --branch v1.2.4               the next release",
    "  inv deploy --env lab --branch broken-health        a release that never becomes healthy",
    "  inv deploy.history --env lab                       what was deployed",
    "  inv lab.status, inv lab.reset, inv lab.down        the lab itself",
)


def show_status(reports: tuple[LabHostReport, ...], json_output: bool = False) -> None:
    """Show of each host where it is, what runs on it, and how it fares."""
    columns = (
        Column("Host"), Column("Address"), Column("Running", _yes_no), Column("Release", key="version"),
        Column("Healthy", right=True), Column("Containers", right=True),
        Column("Memory", _mib, key="memory_mib", right=True), Column("Not healthy", ", ".join),
    )  # fmt: skip
    rows = tuple(_row(report) for report in reports)
    show(Table(columns, rows, empty="No host runs. Boot one: inv lab.up"), json_output=json_output)


def show_hosts(reports: tuple[LabHostReport, ...]) -> None:
    """Show where to look, once the lab is up."""
    show_status(reports)
    out = Writer(sys.stdout)
    for report in reports:
        site = f"http://{report.address}"
        out.lines(f"{report.name}: {site}:3000/ (site), {site}:3002/ (dashboards)")


def _row(report: LabHostReport) -> tuple[object, ...]:
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
    """Show how the demo went, and what to try next."""
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
