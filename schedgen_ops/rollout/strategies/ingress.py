"""New containers beside the old ones, to which the ingress leads; the old ones stand by. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from schedgen_ops.commands.compose import Service
from schedgen_ops.rollout.strategies.contract import may_run_twice
from schedgen_ops.rollout.strategies.start_first import StartFirst
from schedgen_ops.settings import Rollout, Settings


class IngressStrategy(StartFirst):
    """For what is built from the project, keeps no state, and publishes ports."""

    name = "ingress"
    behind = True

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return the services of `rollout.ingress`."""
        return rollout.ingress

    def suits(self, service: Service, settings: Settings) -> bool:
        """Return whether two of it may run for a moment, behind its ports."""
        return may_run_twice(service) and bool(service.ports)

    def clashing(self, services: Sequence[Service]) -> Collection[str]:
        """Return the services that publish the same port, each on an address of its own.

        The ingress has one listener for a port.
        """
        users: defaultdict[int, set[str]] = defaultdict(set)
        for service in services:
            for port in service.ports:
                users[port.published].add(service.name)
        return frozenset().union(*(names for names in users.values() if len(names) > 1))
