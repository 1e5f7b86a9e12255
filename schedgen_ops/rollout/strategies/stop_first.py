"""The containers of a service are stopped, and new ones started in their place. Pure."""

from __future__ import annotations

from collections.abc import Collection

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.strategies.contract import Strategy, well_once
from schedgen_ops.rollout.versions import Version
from schedgen_ops.settings import Rollout, Settings
from schedgen_ops.shell import Command


class StopFirst(Strategy):
    """For whatever no other strategy suits: never are there two of it."""

    name = "stop-first"
    beside = False

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return the services of `rollout.stop_first`."""
        return rollout.stop_first

    def suits(self, service: Service, settings: Settings) -> bool:
        """Return that it does."""
        return True

    def text(self, new: Version, share: int) -> str:
        """Return that it is recreated."""
        count = new.record.replicas
        return f"recreate {new}{f', {count} containers' if count > 1 else ''}"

    def command(self, project: Project, new: Version, share: int) -> Command:
        """Return what Compose is told."""
        folder, count = project.paths.release(new.release_id), new.record.replicas
        asked = () if new.record.counted else (count,)
        ports = sorted({each.port for each in project.settings.checks if each.service == new.service})
        return project.orchestrator.up(folder, new.service, project.wait, *asked, ports=ports)

    def told(self, service: Service, record: ServiceRecord) -> str:
        """Return for how long it is away, as far as that is known, and why it is."""
        why = f" ({service.once})" if service.once else ""
        known = f"about {record.seconds:.0f} s as last time"
        away = f"for {known}" if record.seconds else f"until {well_once(service)}"
        return f"{self.name}{why}, away {away}"
