"""New containers beside the old ones, which go once the new ones are healthy. Pure."""

from __future__ import annotations

from collections.abc import Collection

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.strategies.contract import Strategy, may_run_twice, well_once
from schedgen_ops.rollout.versions import Version
from schedgen_ops.settings import Rollout, Settings
from schedgen_ops.shell import Command


class StartFirst(Strategy):
    """For what keeps no state and publishes no port."""

    name = "start-first"

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return the services of `rollout.start_first`."""
        return rollout.start_first

    def suits(self, service: Service, settings: Settings) -> bool:
        """Return whether two of it may run for a moment, and nobody has to lead requests to them."""
        return may_run_twice(service) and not service.ports

    def text(self, new: Version, share: int) -> str:
        """Return that it starts beside what runs, and with how many of the requests."""
        count = new.record.replicas
        many = f", {count} containers" if count > 1 else ""
        part = f", with {share}% of the requests" if share < 100 else ""
        return f"start {new} beside what runs{many}{part}"

    def command(self, project: Project, new: Version, share: int) -> Command:
        """Return the script that starts it beside what runs."""
        at = (project.paths.state, project.paths.release(new.release_id), new.service)
        return project.orchestrator.start_beside(
            *at, new.record, project.wait, proxy=project.proxy, share=share
        )

    def told(self, service: Service, record: ServiceRecord) -> str:
        """Return that nobody has to wait; without a healthcheck, how long the old containers stay."""
        if service.checked:
            return f"{self.name}, no gap"
        return f"{self.name}, no healthcheck: the old one serves until {self.once(service)}"

    def once(self, service: Service) -> str:
        """Return what is seen of a new container before the old ones go."""
        return well_once(service)
