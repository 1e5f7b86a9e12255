"""What was measured of zero downtime, as drawings: the prober over time, and all who asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schedgen_ops.run_report.reading import number, rows, text, texts
from schedgen_ops.run_report.told import Told
from schedgen_ops.ui.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, ChartLine, chart


@dataclass(frozen=True, slots=True)
class Asked:
    """Those who asked: their requests, how many failed, and times in milliseconds ("" for none)."""

    who: str
    requests: int
    failed: int
    median: str = ""
    p99: str = ""

    @property
    def failed_percent(self) -> float:
        """The share that failed, of all that they asked."""
        return 100.0 * self.failed / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Proof:
    """The measurement.

    Attributes:
        sentences: the results in words.
        answers: answers a second over time; None where no series was kept.
        failures: (x, height, how many) of the failed requests, drawn over `answers`.
        phases: (x, name) of where each phase begins.
        known: whether all of the run was measured.
        failed: how many requests failed.
    """

    sentences: tuple[str, ...]
    asked: tuple[Asked, ...]
    answers: Chart | None = None
    times: Chart | None = None
    failures: tuple[tuple[float, float, int], ...] = ()
    phases: tuple[tuple[float, str], ...] = ()
    known: bool = False
    failed: int = 0

    @property
    def verdict(self) -> str:
        """What it comes to, in words."""
        if self.failed:
            return "requests failed"
        return "measured" if self.known else "not all was measured"

    @property
    def tone(self) -> str:
        """Passed, failed or unknown."""
        return "failed" if self.failed else "passed" if self.known else "unknown"


def proof(run: Told) -> Proof | None:
    """Return what was measured; None where nothing was."""
    probe = run.fact("probe")
    if not isinstance(probe, Mapping):
        return None
    visitors, phases = probe.get("visitors"), probe.get("phases")
    everyone = [
        _asked(one)
        for one in (phases if isinstance(phases, list | tuple) else ())
        if isinstance(one, Mapping)
    ]
    # What the table below says is not said twice.
    tabled = tuple(one.who.removeprefix("prober, ") + ":" for one in everyone)
    sentences = [said for said in texts(run.fact("proof")) if not said.startswith(tabled)]
    if isinstance(visitors, Mapping):
        everyone.append(
            Asked("visitors", int(number(visitors.get("requests"))), int(number(visitors.get("failed"))))
        )
    failed = number(probe.get("failed")) + sum(one.failed for one in everyone if one.who == "visitors")
    known = (
        number(probe.get("requests")) > 0
        and not probe.get("silent")
        and not (isinstance(visitors, Mapping) and visitors.get("unknown"))
    )
    drawn = _drawn(run.fact("probe_series"))
    return Proof(tuple(sentences) or _words(probe), tuple(everyone), *drawn, known=known, failed=int(failed))


def _words(probe: Mapping[str, Any]) -> tuple[str, ...]:
    requests, failed = int(number(probe.get("requests"))), int(number(probe.get("failed")))
    return (f"{failed} of {requests} requests of the prober failed",)


def _asked(phase: Mapping[str, Any]) -> Asked:
    median, p99 = (f"{number(phase.get(name)) * 1000:.0f}" for name in ("median", "p99"))
    requests, failed = int(number(phase.get("requests"))), int(number(phase.get("failed")))
    return Asked(f"prober, {text(phase.get('name'))}", requests, failed, median, p99)


def _drawn(
    series: Any,
) -> tuple[Chart | None, Chart | None, tuple[tuple[float, float, int], ...], tuple[tuple[float, str], ...]]:
    width = number(series.get("seconds")) if isinstance(series, Mapping) else 0.0
    bins = [[number(value) for value in one] for one in rows(series.get("bins"), 4)] if width > 0 else []
    if not bins:
        return None, None, (), ()
    whole = width * len(bins)
    middles = [(number_of + 0.5) * width for number_of in range(len(bins))]
    rate = [(at, one[0] / width) for at, one in zip(middles, bins, strict=True)]
    median, worst = (
        [(at, one[i] if one[0] else None) for at, one in zip(middles, bins, strict=True)] for i in (2, 3)
    )
    answers = chart("Requests of the prober", "per second", [ChartLine("requests", rate)], seconds=whole)
    times = chart(
        "Response times of the prober",
        "ms",
        [ChartLine("median", median), ChartLine("slowest", worst)],
        seconds=whole,
    )
    inner = HEIGHT - TOP - BOTTOM
    failures = tuple(
        (_x(at, whole), round(max(4.0, inner * one[1] / max(one[0], 1.0)), 1), int(one[1]))
        for at, one in zip(middles, bins, strict=True)
        if one[1]
    )
    phases = tuple((_x(number(at), whole), text(name)) for name, at in rows(series.get("phases"), 2))
    return answers, times, failures, phases


def _x(at: float, whole: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, at / whole)), 1)
