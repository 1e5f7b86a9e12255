"""How the services of a host stand. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.docker import jobs_named
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.watch.host_sample import ContainerSample, HostSample

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One container of a service, or a service that has none.

    Attributes:
        container: its name; "" for none.
        state: healthy, running, exited, ...; `MISSING` for a service without a container.
        started: RFC 3339, as Docker gives it.
        cpu_percent: of one core.
        memory, memory_limit: bytes.
    """

    service: str
    container: str
    state: str
    good: bool
    release: str = ""
    started: str = ""
    restarts: int = 0
    cpu_percent: float | None = None
    memory: int | None = None
    memory_limit: int | None = None


def services(settings: Settings, host: HostSettings, seen: HostSample) -> tuple[ServiceStatus, ...] | None:
    """Return the services of a host, the configured ones first and in their order.

    Returns:
        None where the engine told nothing.
    """
    if seen.containers is None:
        return None
    wanted = settings.services_on(host)
    there = {container.service for container in seen.containers}
    jobs = jobs_named(seen.containers)
    kept = [name for name in settings.kept_on(host) if name not in there | jobs]
    missing = [ServiceStatus(name, "", MISSING, good=False) for name in kept]
    rows = [*map(_status, seen.containers), *missing]
    place = {name: number for number, name in enumerate(wanted)}
    return tuple(
        sorted(rows, key=lambda row: (place.get(row.service, len(place)), row.service, row.container))
    )


def _status(container: ContainerSample) -> ServiceStatus:
    runs = container.status == "running"
    state = (container.health or container.status) if runs else container.status
    if container.job and container.exit_code is not None and not runs:
        state = f"{state} ({container.exit_code})"
    return ServiceStatus(
        service=container.service,
        container=container.name,
        state=f"{state}, out of memory" if container.oom_killed and not runs else state,
        good=container.good,
        release=container.release,
        started=container.started if runs else "",
        restarts=container.restarts,
        cpu_percent=container.cpu_percent,
        memory=container.memory,
        memory_limit=container.memory_limit,
    )


def not_well(rows: tuple[ServiceStatus, ...]) -> tuple[str, ...]:
    """Return the services that are not well, each with its state.

    Of a service with several containers only those count that are not well: one that drains is.
    """
    return tuple(dict.fromkeys(f"{row.service} ({row.state})" for row in rows if not row.good))
