"""What the report of a watch holds: charts and tables of every host's account. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from schedgen_ops.ui.chart import Chart, Line, chart
from schedgen_ops.ui.report import Grid, HostReport, Report
from schedgen_ops.verify.panel import memory
from schedgen_ops.verify.series import Series
from schedgen_ops.verify.watch import Account

_MIB = 1024 * 1024
_MOST_GROUPS = 40


def report(title: str, facts: tuple[tuple[str, str], ...], accounts: Mapping[str, Account]) -> Report:
    """The report on the accounts, by the names of their hosts."""
    hosts = tuple(_host(name, account) for name, account in accounts.items())
    verdicts = {host.verdict for host in hosts}
    worst = next((word for word in ("failed", "unknown") if word in verdicts), "passed")
    return Report(title, worst, facts, hosts)


def verdict(account: Account) -> str:
    """passed, failed or unknown: what failed is no matter of how much else is unknown."""
    if account.failures():
        return "failed"
    return "unknown" if account.unknown() else "passed"


def facts(account: Account) -> dict[str, Any]:
    """The account's figures, for the journal and for programs: what is not known is None."""
    tally = account.tally
    return {
        "verdict": verdict(account),
        "reasons": account.failures(),
        "warnings": account.warnings(),
        "rounds": {"judged": tally.checks, "failed": tally.failures, "unknown": tally.unknown},
        "longest_row_of_failures": tally.worst,
        "connection_lost": account.drops,
        "p95_seconds": {name: times.quantile(0.95) for name, times in account.times.items()},
        "containers": {
            box.name: {
                "memory_bytes": box.last.memory,
                "memory_trend": str(account.leak(box.name)),
                "restarts": box.restarts,
                "oom_kills": box.oom_kills,
            }
            for box in account.containers.values()
        },
        "error_lines": _error_lines(account),
        "logs_unread": dict(account.unread),
    }


def _error_lines(account: Account) -> int | None:
    count = sum(group.count for group in account.trouble if group.level == "error")
    return count if count or not account.unread else None


def _host(name: str, account: Account) -> HostReport:
    unknown = account.unknown()
    return HostReport(
        host=name,
        verdict=verdict(account),
        line=account.tally.line(),
        reasons=account.failures(),
        warnings=tuple(filter(None, (unknown, *account.warnings()))),
        charts=tuple(_charts(account)),
        grids=(_checks(account), _containers(account), _logs(account)),
    )


def _charts(account: Account) -> list[Chart]:
    seconds = float(max(account.tally.elapsed, 1))
    limits = account.limits
    boxes = list(account.containers.values())
    times = [_line(name, line) for name, line in account.latency.items()]
    used = [_line(box.name, box.memory, 1 / _MIB) for box in boxes]
    busy = [_line(box.name, box.cpu) for box in boxes]
    errors = [_line("failed checks", account.errors)]
    host = [_line("CPU", account.cpu), _line("memory", account.memory)]
    draw = partial(chart, seconds=seconds, blind=errors[0].values)
    return [
        draw("Response times", "ms", times),
        draw("Failed checks in a round", "%", errors, limit=limits.error_percent, most=100),
        draw("The host: CPU and memory in use", "%", host, limit=limits.cpu_percent, most=100),
        draw("Containers: memory", "MiB", used),
        draw("Containers: CPU", "% of a core", busy, limit=limits.cpu_percent),
    ]


def _line(name: str, series: Series, scale: float = 1.0) -> Line:
    points = ((point.at, None if point.mean is None else point.mean * scale) for point in series.points)
    return Line(name, tuple(points))


def _checks(account: Account) -> Grid:
    rows, marked = [], set()
    for number, check in enumerate(account.checks):
        times = account.times.get(check.name)
        figures = [times.quantile(share) if times else None for share in (0.5, 0.95, 0.99)]
        failed = account.failed.get(f"{check.name} {check.url}", 0)
        shown = ("?" if value is None else f"{value * 1000:.0f} ms" for value in figures)
        rows.append((check.name, check.url, str(times.total if times else 0), str(failed), *shown))
        if failed:
            marked.add(number)
    for name, failed in account.failed.items():
        if name.startswith("service "):
            marked.add(len(rows))
            rows.append((name, "", "", str(failed), "", "", ""))
    heads = ("Check", "URL", "Answers", "Failed", "Median", "p95", "p99")
    return Grid("Checks", heads, tuple(rows), frozenset(marked))


def _containers(account: Account) -> Grid:
    rows, marked = [], set()
    for number, box in enumerate(account.containers.values()):
        judged = account.leak(box.name)
        last = box.last
        state = "gone" if box.gone else last.health or last.status
        cells = (memory(last.memory, last.memory_limit), str(judged), str(box.restarts), str(box.oom_kills))
        rows.append((box.name, state, *cells))
        if judged.leaks or box.restarts or box.oom_kills or not (last.good or box.gone):
            marked.add(number)
    heads = ("Container", "State", "Memory", "Memory's trend", "Restarts", "OOM kills")
    return Grid("Containers", heads, tuple(rows), frozenset(marked), "None was seen.")


def _logs(account: Account) -> Grid:
    groups = account.trouble[:_MOST_GROUPS]
    rows = [(g.level, g.service, str(g.count), g.example) for g in groups]
    marked = frozenset(number for number, group in enumerate(groups) if group.level == "error")
    for service, driver in account.unread.items():
        rows.append(("unknown", service, "?", f"cannot be read: logging driver {driver or 'unknown'}"))
    heads = ("Level", "Service", "Lines", "One of them")
    return Grid("Errors and warnings in the logs", heads, tuple(rows), marked, "None came.")
