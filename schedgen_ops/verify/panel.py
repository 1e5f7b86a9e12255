"""How a watch stands, as an event for whoever shows it. Pure."""

from __future__ import annotations

from schedgen_ops.events import Curve, Panel
from schedgen_ops.verify.series import Series
from schedgen_ops.verify.watch import Account, Container

_LAST = 40
_MIB = 1024 * 1024


def panel(account: Account, host: str) -> Panel:
    """The account as a panel."""
    errors = sum(group.count for group in account.trouble if group.level == "error")
    curves = [
        *(_latency(account, name) for name in account.latency),
        Curve("errors", _values(account.errors), f"{account.tally.percent:.2f}% of the rounds failed"),
        Curve("CPU", _values(account.cpu), _percent(account.cpu.last)),
        Curve("memory", _values(account.memory), _percent(account.memory.last)),
    ]
    heads = ("Container", "State", "CPU", "Memory", "Trend", "Restarts", "OOM kills", "")
    rows = [_row(account, box) for box in account.containers.values() if not box.gone]
    told = f"{errors} error lines in the logs" if errors else ""
    return Panel(" | ".join(filter(None, (account.tally.line(), told))), tuple(curves), (heads, *rows), host)


def _latency(account: Account, name: str) -> Curve:
    line, times = account.latency[name], account.times.get(name)
    late = times.quantile(0.95) if times else None
    now = "no answer" if line.last is None else f"{line.last:.0f} ms"
    return Curve(f"{name} ms", _values(line), now if late is None else f"{now}, p95 {late * 1000:.0f} ms")


def _row(account: Account, box: Container) -> tuple[str, ...]:
    judged = account.leak(box.name)
    trend = "" if judged.trend is None else f"{judged.trend.slope * 3600 / _MIB:+.1f} MiB/h"
    return (
        box.name,
        box.last.health or box.last.status,
        _percent(box.last.cpu_percent),
        memory(box.last.memory, box.last.memory_limit),
        trend,
        str(box.restarts or ""),
        str(box.oom_kills or ""),
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
