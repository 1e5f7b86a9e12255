"""No deploy replaces the service. Pure."""

from __future__ import annotations

from collections.abc import Collection

from schedgen_ops.commands.compose import Service
from schedgen_ops.rollout.strategies.stop_first import StopFirst
from schedgen_ops.settings import Rollout, Settings


class LeftAlone(StopFirst):
    """For what holds state, where no tiers say what is replaced.

    Where a later config has it replaced, it is stopped first: it was left alone for its data.
    """

    name = "left alone"
    kept = "holds state, and no tier names it"

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return none: what the config names is replaced."""
        return ()

    def suits(self, service: Service, settings: Settings) -> bool:
        """Return whether there are no tiers and it is a store; what is the project's own is none."""
        stores = [part.service for part in (settings.database, settings.objects) if part]
        store = service.name in stores or (bool(service.volumes) and not service.ours)
        return store and not settings.tiers
