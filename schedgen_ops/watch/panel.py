"""How a watch stands, as an event for whoever shows it. Pure."""

from __future__ import annotations

from schedgen_ops.events import Curve, Panel
from schedgen_ops.watch.container_stats import ContainerStats
from schedgen_ops.watch.series import Series
from schedgen_ops.watch.stats import WatchStats

_LAST = 40
_MIB = 1024 * 1024


def panel(stats: WatchStats, host: str) -> Panel:
    """The stats as a panel."""
    errors = sum(group.count for group in stats.trouble if group.level == "error")
    curves = [
        *(_latency(stats, name) for name in stats.latency),
        Curve("errors", _values(stats.errors), f"{stats.rounds.percent:.2f}% of the rounds failed"),
        Curve("CPU", _values(stats.cpu), _percent(stats.cpu.last)),
        Curve("memory", _values(stats.memory), _percent(stats.memory.last)),
    ]
    heads = ("Container", "State", "CPU", "Memory", "Trend", "Restarts", "OOM kills", "")
    rows = [_row(stats, container) for container in stats.containers.values() if not container.gone]
    told = f"{errors} error lines in the logs" if errors else ""
    return Panel(" | ".join(filter(None, (stats.rounds.line(), told))), tuple(curves), (heads, *rows), host)


def _latency(stats: WatchStats, name: str) -> Curve:
    line, times = stats.latency[name], stats.times.get(name)
    late = times.quantile(0.95) if times else None
    now = "no answer" if line.last is None else f"{line.last:.0f} ms"
    return Curve(f"{name} ms", _values(line), now if late is None else f"{now}, p95 {late * 1000:.0f} ms")


def _row(stats: WatchStats, container: ContainerStats) -> tuple[str, ...]:
    judged = stats.leak(container.name)
    trend = "" if judged.trend is None else f"{judged.trend.slope * 3600 / _MIB:+.1f} MiB/h"
    return (
        container.name,
        container.last.health or container.last.status,
        _percent(container.last.cpu_percent),
        memory(container.last.memory, container.last.memory_limit),
        trend,
        str(container.restarts or ""),
        str(container.oom_kills or ""),
        "LEAK" if judged.leaks else "",
    )


def memory(used: float | None, limit: float | None) -> str:
    """Bytes in use, and their share of what may be used."""
    if used is None:
        return "?"
    return f"{used / _MIB:.0f} MiB" + (f" ({100 * used / limit:.0f} %)" if limit else "")


def _values(line: Series) -> tuple[float | None, ...]:
    return tuple(point.mean for point in line.points[-_LAST:])


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} %"
