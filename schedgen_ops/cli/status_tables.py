"""The tables of `inv status`: what stands in them, and how it is worded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from schedgen_ops.commands.disks import Space
from schedgen_ops.looking import status
from schedgen_ops.looking.service_status import ServiceStatus, not_well
from schedgen_ops.looking.status import HostStatus
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.text import duration
from schedgen_ops.ui.tables import Column
from schedgen_ops.watch.panel import memory

_UNKNOWN = "?"
_AWAY = "no answer"


def _short(project: str, name: str) -> str:
    return name.removeprefix(f"{project}-")


def _commit(release: str) -> str:
    """A release's commit: its time stands in the table of hosts."""
    return release.partition("-")[2] or release


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds, tenths=False)


def _memory(value: Mapping[str, int | None]) -> str:
    used = value["used"]
    return "" if used is None else memory(used, value["limit"])


def _made(value: Mapping[str, Any] | None) -> str:
    """How old the newest backup is: - on a host that takes none."""
    if value is None:
        return _UNKNOWN
    if value["seconds"] is not None:
        return f"{_duration(value['seconds'])} ago"
    return str(value["id"] or "none")


def _closed(value: Mapping[str, Any] | None) -> str:
    """For how long visitors are turned away: - where they are let in."""
    if value is None:
        return _UNKNOWN
    if not value["what"]:
        return "-"
    return "on" if value["seconds"] is None else f"on for {_duration(value['seconds'])}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} %"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


HOST_COLUMNS = (
    "Host",
    Column("Release", lambda value: _UNKNOWN if value is None else value or "none"),
    Column("Serving for", _duration, "serving_seconds", right=True),
    Column("Well", lambda value: _UNKNOWN if value is None else value),
    Column("Not well", ", ".join),
    Column("CPU", lambda value: _percent(value) or _UNKNOWN, "cpu_percent", right=True),
    Column("Memory", lambda value: _percent(value) or _UNKNOWN, "memory_percent", right=True),
    Column("Disk", lambda value: _UNKNOWN if value is None else value),
    Column("Guard", lambda value: _UNKNOWN if value is None else value or "-"),
    Column("Watch", lambda value: _UNKNOWN if value is None else value or "-"),
    Column("Lock", lambda value: _UNKNOWN if value is None else value or "free"),
    Column("Maintenance", _closed),
    Column("Last backup", _made),
)


def service_columns(project: str) -> tuple[Column | str, ...]:
    """Return the columns of `service_rows`."""
    return (
        "Host",
        "Service",
        Column("Container", partial(_short, project)),
        "State",
        Column("Release", _commit),
        Column("Age", _duration, "age_seconds", right=True),
        Column("Restarts", lambda count: str(count or ""), right=True),
        Column("CPU", _percent, "cpu_percent", right=True),
        Column("Memory", _memory, right=True),
    )


def service_rows(host: str, seen: HostStatus) -> Iterator[tuple[Any, ...]]:
    """Return a row for each container of a host, and for each service that has none."""
    for row in seen.services or ():
        yield (
            host,
            row.service,
            row.container,
            row.state,
            row.release,
            status.age(row.started, seen.at),
            row.restarts,
            row.cpu_percent if row.cpu_percent is None else round(row.cpu_percent, 1),
            {"used": row.memory, "limit": row.memory_limit},
        )


def host_rows(names: tuple[str, ...], seen: Outcomes[HostStatus]) -> Iterator[tuple[Any, ...]]:
    """Return a row for each host, in the configuration's order; one that is missing says so."""
    for name in names:
        if name in seen.ok:
            yield (name, *_host(seen.ok[name]))
        elif name in seen.errors:
            yield (name, None, None, _AWAY, (), None, None, None, None, None, None, None, None)


def _host(seen: HostStatus) -> tuple[Any, ...]:
    return (
        seen.release,
        status.age(seen.serving_since, seen.at),
        None if seen.services is None else _well(seen.services),
        () if seen.services is None else not_well(seen.services),
        _rounded(seen.cpu_percent),
        _rounded(seen.memory_percent),
        None if seen.disk is None else _room(seen.disk),
        seen.guard,
        seen.watch,
        seen.lock,
        _maintenance(seen),
        _backup(seen),
    )


def _well(rows: tuple[ServiceStatus, ...]) -> str:
    names = {row.service for row in rows}
    bad = {row.service for row in rows if not row.good}
    return f"{len(names - bad)}/{len(names)}"


def _room(disk: Space) -> str:
    used = 100 * (1 - disk.free / max(1, disk.total))
    return f"{used:.0f} % of {disk.mount}"


def _maintenance(seen: HostStatus) -> dict[str, Any] | None:
    one = seen.maintenance
    return None if one is None else {**asdict(one), "seconds": status.age(one.since, seen.at)}


def _backup(seen: HostStatus) -> dict[str, Any] | None:
    if not seen.keeps_backups:
        return {"id": "-", "seconds": None}
    if seen.backup is not None:
        return {"id": seen.backup.id, "seconds": status.age(seen.backup.created, seen.at)}
    return None if seen.backup_unknown else {"id": "", "seconds": None}


def warnings(seen: Outcomes[HostStatus]) -> Iterator[tuple[str, str]]:
    """Return what an operator has to know beside the tables: (host, sentence)."""
    for host, one in seen.ok.items():
        for text in one.unknown:
            yield host, f"Not known: {text}"
        if one.maintenance and one.maintenance.what:
            yield host, f"Maintenance: {one.maintenance.what}"
        if one.balancer and one.balancer.what:
            back = "" if one.lock else "; `inv deploy.recover` puts it back"
            yield host, f"Load balancer: {one.balancer.what}{back}"
        if one.last:
            yield host, f"The last release did not come to serve: {one.last}"
