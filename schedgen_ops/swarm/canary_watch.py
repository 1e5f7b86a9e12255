"""Canaries watched on every node: each node's watchdog has its own ingress give them their share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops.commands import swarm_canary
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.guard import plan
from schedgen_ops.guard.plan import AgentConfig
from schedgen_ops.guard.words import announce
from schedgen_ops.shell import Secret
from schedgen_ops.steps import Step
from schedgen_ops.swarm import canary, guarding, guests
from schedgen_ops.swarm.guarding import NodesWatching
from schedgen_ops.swarm.session import SwarmSession


def watching(session: SwarmSession, webhook: Secret | None = None) -> Step:
    """Return the step that watches canaries, share by share, until the rest of the release may follow.

    Args:
        webhook: where the manager tells the team, once no operator's process is left to; None for nowhere.
    """
    # Nobody has all of the release yet: the manager alone takes it back.
    it = CanaryWatching(session, webhook, ("canary",), on=session)
    return Step("", "Watching the canary", it.watch, undo=it.stand_down)


@dataclass(frozen=True, slots=True)
class CanaryWatching(NodesWatching):
    """The watch of the canaries of a session's run."""

    def watch(self) -> None:
        """Follow the watchdogs through all shares.

        Raises:
            OpsError: where what one of them saw had the canaries taken away.
            HandedOver: where the manager is out of reach: it takes them away by itself.
        """
        if self.on.canaries:
            NodesWatching.watch(self)

    def stand_down(self) -> None:
        """Make every watchdog go back now, if it has not yet."""
        if self.watches:
            NodesWatching.stand_down(self)

    def _announce(self) -> None:
        settings = self.on.settings
        seconds = sum(stage.seconds for stage in plan.stages(settings)[:-1])
        announce(self.on.emit, settings, "the canary", seconds)

    def _config(self, host_run: HostRun) -> AgentConfig:
        manager, chosen = self.on.at_work, self.on.canaries
        config = guarding.agent_config(host_run, manager, alone=False)
        leads = host_run is manager
        return replace(
            config,
            stages=plan.stages(self.on.settings)[:-1],
            services=tuple(each.name for each in chosen),
            definitions=tuple(each.part.definition for each in chosen),
            proxies=tuple(canary.routes(chosen)),
            back=(*self._away(), "-", *config.back) if leads else (),
            keep=(),
            guests=True,
        )

    def _away(self) -> tuple[str, ...]:
        """What the manager does by itself first."""
        manager, chosen = self.on.at_work, self.on.canaries
        leaving = guests.leaving(manager, canary.routes(chosen))
        project = manager.settings.project
        ended = swarm_canary.end(manager.docker, project, [each.name for each in chosen])
        # At once: other nodes' ingresses may send on until it is gone.
        return ended.text, leaving.text

    def _tell_others(self, host_run: HostRun, text: str) -> None:
        if text.startswith("back "):
            # At once, also where a watchdog is over, or busy with a look.
            guests.hush(self.on.at_work, self._hosts, self.on.node, canary.routes(self.on.canaries))
        NodesWatching._tell_others(self, host_run, text)

    def _well(self) -> str:
        return "The canary does well: the rest of the release follows"

    def _by_itself(self) -> tuple[str, str]:
        return "takes the canary away, since the rest of the release is not there yet", ""

    @property
    def _margin(self) -> int:
        return int(self.on.settings.rollout.drain) + swarm_canary.ENDED + guarding.MARGIN
