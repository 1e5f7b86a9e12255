"""New containers beside the old ones, to which the ingress leads; the old ones stand by. Pure."""

from __future__ import annotations

from collections.abc import Collection

from schedgen_ops.commands.compose import Service
from schedgen_ops.rollout.strategies.contract import may_run_twice
from schedgen_ops.rollout.strategies.start_first import StartFirst
from schedgen_ops.settings import Rollout, Settings


class IngressStrategy(StartFirst):
    """For what keeps no state and publishes ports."""

    name = "ingress"
    behind = True

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return the services of `rollout.ingress`."""
        return rollout.ingress

    def suits(self, service: Service, settings: Settings) -> bool:
        """Return whether two of it may run for a moment, behind its ports."""
        return may_run_twice(service) and bool(service.ports)

    def once(self, service: Service) -> str:
        """Return that the ingress asks it, by the check of its port or by connecting."""
        return "the ingress sees it answer"
