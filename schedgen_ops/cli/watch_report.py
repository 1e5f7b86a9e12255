"""What the report of a watch holds: charts and tables of every host's stats. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from schedgen_ops.ui.chart import Chart, ChartLine, chart
from schedgen_ops.ui.report import Grid, HostReport, Report
from schedgen_ops.watch.panel import memory
from schedgen_ops.watch.series import Series
from schedgen_ops.watch.stats import WatchStats

_MIB = 1024 * 1024
_MOST_GROUPS = 40


def report(title: str, facts: tuple[tuple[str, str], ...], by_host: Mapping[str, WatchStats]) -> Report:
    """Return the report on the accounts, by the names of their hosts."""
    hosts = tuple(_host(name, stats) for name, stats in by_host.items())
    verdicts = {host.verdict for host in hosts}
    worst = next((word for word in ("failed", "unknown") if word in verdicts), "passed")
    return Report(title, worst, facts, hosts)


def verdict(stats: WatchStats) -> str:
    """Return passed, failed or unknown: what failed is no matter of how much else is unknown."""
    if stats.failures():
        return "failed"
    return "unknown" if stats.unknown() else "passed"


def facts(stats: WatchStats) -> dict[str, Any]:
    """Return the account's figures, for the journal and for programs; what is not known is None."""
    rounds = stats.rounds
    return {
        "verdict": verdict(stats),
        "reasons": stats.failures(),
        "warnings": stats.warnings(),
        "rounds": {"judged": rounds.checks, "failed": rounds.failures, "unknown": rounds.unknown},
        "longest_row_of_failures": rounds.worst,
        "connection_lost": stats.drops,
        "p95_seconds": {name: times.quantile(0.95) for name, times in stats.times.items()},
        "containers": {
            container.name: {
                "memory_bytes": container.last.memory,
                "memory_trend": str(stats.leak(container.name)),
                "restarts": container.restarts,
                "oom_kills": container.oom_kills,
            }
            for container in stats.containers.values()
        },
        "error_lines": _error_lines(stats),
        "logs_unread": dict(stats.unread),
    }


def _error_lines(stats: WatchStats) -> int | None:
    count = sum(group.count for group in stats.trouble if group.level == "error")
    return count if count or not stats.unread else None


def _host(name: str, stats: WatchStats) -> HostReport:
    unknown = stats.unknown()
    return HostReport(
        host=name,
        verdict=verdict(stats),
        line=stats.rounds.line(),
        reasons=stats.failures(),
        warnings=tuple(filter(None, (unknown, *stats.warnings()))),
        charts=tuple(_charts(stats)),
        grids=(_checks(stats), _containers(stats), _logs(stats)),
    )


def _charts(stats: WatchStats) -> list[Chart]:
    seconds = float(max(stats.rounds.elapsed, 1))
    limits = stats.limits
    containers = list(stats.containers.values())
    times = [_line(name, line) for name, line in stats.latency.items()]
    used = [_line(container.name, container.memory, 1 / _MIB) for container in containers]
    busy = [_line(container.name, container.cpu) for container in containers]
    errors = [_line("failed checks", stats.errors)]
    host = [_line("CPU", stats.cpu), _line("memory", stats.memory)]
    draw = partial(chart, seconds=seconds, blind=errors[0].values)
    return [
        draw("Response times", "ms", times),
        draw("Failed checks in a round", "%", errors, limit=limits.error_percent, most=100),
        draw("The host: CPU and memory in use", "%", host, limit=limits.cpu_percent, most=100),
        draw("Containers: memory", "MiB", used),
        draw("Containers: CPU", "% of a core", busy, limit=limits.cpu_percent),
    ]


def _line(name: str, series: Series, scale: float = 1.0) -> ChartLine:
    points = ((point.at, None if point.mean is None else point.mean * scale) for point in series.points)
    return ChartLine(name, tuple(points))


def _checks(stats: WatchStats) -> Grid:
    rows, marked = [], set()
    for number, check in enumerate(stats.checks):
        times = stats.times.get(check.name)
        figures = [times.quantile(share) if times else None for share in (0.5, 0.95, 0.99)]
        failed = stats.failed.get(f"{check.name} {check.url}", 0)
        shown = ("?" if value is None else f"{value * 1000:.0f} ms" for value in figures)
        rows.append((check.name, check.url, str(times.total if times else 0), str(failed), *shown))
        if failed:
            marked.add(number)
    for name, failed in stats.failed.items():
        if name.startswith("service "):
            marked.add(len(rows))
            rows.append((name, "", "", str(failed), "", "", ""))
    heads = ("Check", "URL", "Answers", "Failed", "Median", "p95", "p99")
    return Grid("Checks", heads, tuple(rows), frozenset(marked))


def _containers(stats: WatchStats) -> Grid:
    rows, marked = [], set()
    for number, container in enumerate(stats.containers.values()):
        judged = stats.leak(container.name)
        last = container.last
        state = "gone" if container.gone else last.health or last.status
        cells = (
            memory(last.memory, last.memory_limit),
            str(judged),
            str(container.restarts),
            str(container.oom_kills),
        )
        rows.append((container.name, state, *cells))
        if judged.leaks or container.restarts or container.oom_kills or not (last.good or container.gone):
            marked.add(number)
    heads = ("Container", "State", "Memory", "Memory's trend", "Restarts", "OOM kills")
    return Grid("Containers", heads, tuple(rows), frozenset(marked), "None was seen.")


def _logs(stats: WatchStats) -> Grid:
    groups = stats.trouble[:_MOST_GROUPS]
    rows = [(g.level, g.service, str(g.count), g.example) for g in groups]
    marked = frozenset(number for number, group in enumerate(groups) if group.level == "error")
    for service, driver in stats.unread.items():
        rows.append(("unknown", service, "?", f"cannot be read: logging driver {driver or 'unknown'}"))
    heads = ("Level", "Service", "Lines", "One of them")
    return Grid("Errors and warnings in the logs", heads, tuple(rows), marked, "None came.")
