"""A project on a host, as the commands that change it need it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.orchestrators.contract import Orchestrator
from schedgen_ops.proxy import Proxy, chosen
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Project:
    """A project on a host, run by an orchestrator."""

    orchestrator: Orchestrator
    settings: Settings

    @property
    def wait(self) -> int:
        """Seconds until new containers must be healthy."""
        return self.settings.health.deadline

    @property
    def drain(self) -> int:
        """Seconds for requests in flight to end."""
        return self.settings.rollout.drain

    @property
    def proxy(self) -> Proxy:
        """The ingress."""
        return chosen(self.settings)

    @property
    def paths(self) -> Paths:
        """Where state is kept."""
        return Paths(self.settings.directory)
