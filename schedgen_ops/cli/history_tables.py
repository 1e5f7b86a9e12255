"""Past runs and the four keys as tables and as a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schedgen_ops.history.dora import Stats
from schedgen_ops.history.runs import PastRun
from schedgen_ops.run_report.files import render
from schedgen_ops.text import duration
from schedgen_ops.ui.panels import spark
from schedgen_ops.ui.tables import Column


@dataclass(frozen=True, slots=True)
class Delivered:
    """How deliveries of an environment went: `stats` is None where no host could be asked.

    Attributes:
        missing: the hosts of which nothing is known.
    """

    env: str
    stats: Stats | None
    missing: tuple[str, ...] = ()

    @property
    def has_row(self) -> bool:
        """Whether there is more to say than that no deploy was recorded."""
        return self.stats is None or self.stats.deploys > 0

    @property
    def note(self) -> str:
        """What is to be known of the figures, in a sentence; "" for nothing."""
        if self.stats is None:
            return "not known: no host could be asked"
        return f"without {', '.join(self.missing)}, which could not be asked" if self.missing else ""


def _time(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else ""


def _span(value: float | None) -> str:
    return "not known" if value is None else duration(value)


def _percent(value: float | None) -> str:
    return "not known" if value is None else f"{value * 100:.0f} %"


def _often(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:.1f} a day" if value >= 1 else f"{value * 7:.1f} a week"


def _count(value: int | None) -> str:
    return "not known" if value is None else str(value)


def _weeks(value: Any) -> str:
    return "" if value is None else f"|{spark([good + bad for good, bad in value])}|"


RUNS = (
    Column("When", _time),
    "Env",
    "Who",
    "What",
    "Result",
    Column("Took", lambda value: "" if value is None else duration(value), key="seconds", right=True),
    "Release",
    Column("Hosts", ", ".join),
    Column("Known from", key="source"),
)
STATS = (
    "Env",
    Column("Deploys", _count, right=True),
    Column("Failed", _count, right=True),
    Column("Deployment frequency", _often, key="deploys_per_day"),
    Column("Lead time for changes", _span, key="lead_seconds"),
    Column("Change failure rate", _percent, key="failure_rate"),
    Column("Time to restore", _span, key="restore_seconds"),
    Column("Deploys each week", _weeks, key="weeks"),
)


def row(run: PastRun) -> tuple[Any, ...]:
    """Return the cells of a run."""
    told = (run.env, run.who, run.what, run.result, run.seconds, run.release, run.hosts, run.source)
    return (run.at, *told)


def stat_row(one: Delivered) -> tuple[Any, ...]:
    """Return the cells of an environment."""
    if one.stats is None:
        return (one.env, *[None] * (len(STATS) - 1))
    found = one.stats
    keys = (found.per_day, found.lead, found.failure_rate, found.restore)
    return (one.env, found.deploys, found.failed, *keys, found.weeks)


def page(found: Iterable[Delivered], since: datetime, until: datetime) -> str:
    """Return the page with the four keys of every environment."""
    shown = [
        {
            "env": one.env,
            "note": one.note,
            "none": not one.has_row,
            "keys": (),
            **(_charted(one.stats) if one.stats and one.has_row else {}),
        }
        for one in found
    ]
    return render("history.html.j2", environments=shown, since=_time(since), until=_time(until))


def _charted(one: Stats) -> dict[str, Any]:
    return {
        "keys": (
            ("Deployment frequency", _often(one.per_day), f"{one.served} deploys served"),
            ("Lead time for changes", _span(one.lead), f"median of {one.changes} commits"),
            ("Change failure rate", _percent(one.failure_rate), f"{one.failed} of {one.deploys} deploys"),
            ("Time to restore", _span(one.restore), "median"),
        ),
        "weeks": one.weeks,
        "most": max((good + bad for good, bad in one.weeks), default=0) or 1,
    }
