"""What runs on each host: the facts behind lab.status."""

from __future__ import annotations

import json
from dataclasses import dataclass

from schedgen_ops.lab import docker, hosts
from schedgen_ops.lab.place import LabError, LabHost

UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True, slots=True)
class LabHostReport:
    """One host as it is now. `version` is "" where the backend does not answer."""

    name: str
    address: str
    running: bool
    version: str = ""
    services: tuple[tuple[str, str], ...] = ()
    memory_mib: int = 0

    @property
    def healthy(self) -> int:
        """How many containers are healthy."""
        return sum(health == "healthy" for _, health in self.services)


def observe() -> tuple[LabHostReport, ...]:
    """Return a report for each host of the lab. Raises LabError when no engine answers."""
    everyone = hosts.existing()
    up = hosts.running(everyone)
    memory = _memory(up)
    return tuple(_one(host, memory) if host in up else _down(host) for host in everyone)


def parse_memory(text: str) -> int:
    """Return the MiB of what `docker stats` shows as used: `512.3MiB / 23.5GiB`."""
    used = text.partition("/")[0].strip()
    unit = max((name for name in UNITS if used.endswith(name)), key=len)
    return round(float(used.removesuffix(unit)) * UNITS[unit] / 2**20)


def parse_report(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the version, and (service, health) pairs, of what `lab-state report` prints."""
    first, *rest = text.splitlines() or [""]
    try:
        version = str(json.loads(first).get("version", ""))
    except (ValueError, AttributeError):
        version = ""
    return version, tuple(sorted(_service(line) for line in rest if line))


def _service(line: str) -> tuple[str, str]:
    name, state, status = (*line.split(" ", 2), "", "")[:3]
    _, bracket, health = status.rpartition("(")
    return name, health.rstrip(")") if state == "running" and bracket else state


def _one(host: LabHost, memory: dict[str, int]) -> LabHostReport:
    try:
        version, services = parse_report(hosts.state(host.container, "report", timeout=20))
    except LabError:
        version, services = "", ()
    return LabHostReport(host.name, host.address, True, version, services, memory.get(host.container, 0))


def _down(host: LabHost) -> LabHostReport:
    return LabHostReport(host.name, host.address, False)


def _memory(up: tuple[LabHost, ...]) -> dict[str, int]:
    if not up:
        return {}
    shown = docker.run("stats", "--no-stream", "--format={{.Name}} {{.MemUsage}}", *(h.container for h in up))
    pairs = (line.split(" ", 1) for line in shown.splitlines() if " " in line)
    return {name: parse_memory(usage) for name, usage in pairs}
