"""The guarded deploy on a Swarm: the manager's watchdog decides, those of the other nodes look with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from schedgen_ops import workers
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard import plan, remote_commands
from schedgen_ops.guard.plan import AgentConfig, Stage
from schedgen_ops.guard.run import Watching
from schedgen_ops.guard.story import HostWatch
from schedgen_ops.host_context import QUICK
from schedgen_ops.proxy import chosen
from schedgen_ops.release.record import NO_RELEASE
from schedgen_ops.remote import Remote
from schedgen_ops.rollout.operations import Name
from schedgen_ops.rollout.work_tree import GoBack
from schedgen_ops.settings import Settings
from schedgen_ops.swarm import rolling
from schedgen_ops.swarm.session import SwarmSession

# What going back may take beyond the configured deadlines of its parts.
MARGIN = 300


def missing(settings: Settings) -> Iterator[str]:
    """Yield what the guard of an environment is asked for and cannot do on a Swarm."""
    guard = settings.guard
    if any(check.name == guard.metrics for check in settings.checks):
        # They are the containers' own, which no node reaches, and a node's port leads to any of them.
        yield f"`guard.metrics` (the counters of the check {guard.metrics})"
    if guard.insufficient_traffic != "accept":
        yield f"`guard.insufficient_traffic: {guard.insufficient_traffic}`"


def agent_config(host_run: HostRun, manager: HostRun, *, alone: bool) -> AgentConfig:
    """Return what the watchdog of a node is told, once the services are replaced.

    Args:
        manager: the node that decides; the others look, and tell what they see.
        alone: whether there is no other node whose signal counts.
    """
    settings, new, leads = host_run.settings, manager.release, host_run is manager
    lasting = [name for name in manager.touched if name in new.services and not rolling.ends(new, name)]
    checks = settings.checks_on(host_run.host)
    return AgentConfig(
        project=settings.project,
        docker=host_run.docker.words,
        release_id=new.id,
        alone=alone,
        interval=settings.watch.interval,
        insufficient_traffic="accept",
        traffic_timeout=settings.guard.traffic_timeout,
        stages=plan.stages(settings, behind=False),
        policy=plan.policy(settings),
        services=tuple(lasting),
        proxy=chosen(settings).name,
        proxies=tuple(proxy for name in lasting for proxy in new.services[name].proxies),
        # Containers are on networks that no host reaches: they are asked by way of the ingress alone.
        targets=tuple(plan.target(check, "-") for check in checks),
        metrics="",
        requests_metric=settings.guard.requests_metric,
        latency_metric=settings.guard.latency_metric,
        # It knows of all nodes.
        prometheus=plan.query(settings) if leads else "",
        own_paths=plan.own_paths(checks),
        back=_back(manager) if leads else (),
        cut=(),
        keep=_keep(manager) if leads else (),
        records=plan.records(new) if leads else (),
        definitions=tuple(new.services[name].definition for name in lasting),
        node=not leads,
    )


def _keep(manager: HostRun) -> tuple[str, ...]:
    named = Name(manager.release.id, (), manager.old.id if manager.old else NO_RELEASE)
    return (manager.commands.name(named, beside=True).text,)


def _back(manager: HostRun) -> tuple[str, ...]:
    """As a deploy that fails goes back: the code, then all services that were touched."""
    tree, settings = manager.seen.tree, manager.settings
    env = (manager.release.id,) if settings.delivered else ()
    home = manager.commands(GoBack(tree.commit, tree.branch, env=env)).text
    told = (home, *(rolling.texts_back(manager)[0] if manager.touched else ()))
    # Each waits for the one before.
    return tuple(text for each in told for text in ("-", each))[1:]


@dataclass(frozen=True, slots=True)
class NodesWatching(Watching):
    """The watch of a release on every node of the config that answers.

    Attributes:
        on: the session.
        gone: the names of the nodes that were lost meanwhile.
    """

    on: SwarmSession = field(kw_only=True)
    gone: set[str] = field(default_factory=set, kw_only=True)

    def watch(self) -> None:
        """Follow the watchdogs; who was turned away before still is where the manager has gone back.

        Raises:
            OpsError: where it did, or could not.
            HandedOver: where a node is out of reach: the manager decides alone.
        """
        try:
            Watching.watch(self)
        finally:
            if self.on.at_work.home and INGRESS in self.on.at_work.touched:
                self.on.ingresses.again()

    @property
    def _names(self) -> set[str]:
        return {*self.on.nodes.names} - self.gone

    @property
    def _hosts(self) -> Fleet:
        return self.on.nodes.only(self._names)

    def _at(self, remote: Remote) -> HostRun:
        return self.on.on_node(remote)

    def _decides(self, host_run: HostRun) -> bool:
        return host_run is self.on.at_work

    def _config(self, host_run: HostRun) -> AgentConfig:
        return agent_config(host_run, self.on.at_work, alone=len(self.on.nodes) == 1)

    def _stages(self, _: HostRun) -> tuple[Stage, ...] | None:
        # All that is watched of a node is in its config.
        return None

    def _begin(self, host_run: HostRun) -> None:
        try:
            if not self._decides(host_run):
                # What an earlier run has left there looks for nobody.
                self._end(host_run, "a run that nobody follows")
            Watching._begin(self, host_run)
        except Unreachable as error:
            self._lost(host_run, error)

    def _follow(self, host_run: HostRun) -> None:
        try:
            Watching._follow(self, host_run)
        except Unreachable as error:
            self._lost(host_run, error)
            # The others may have waited for its word.
            self._agree()
            return
        watch = self.watches[host_run.remote.name]
        if watch.outcome == "ended" and not watch.verdict:
            self._tell_others(host_run, f"back {host_run.remote.name}: {watch.reason}")

    def _tell(self, host_run: HostRun, text: str) -> None:
        try:
            Watching._tell(self, host_run, text)
        except Unreachable:
            # Who follows it finds out by himself; that the manager was told does not fail for it.
            if self._decides(host_run):
                raise

    def _look_up(self, host_run: HostRun, watch: HostWatch) -> None:
        if self._decides(host_run):
            Watching._look_up(self, host_run, watch)
        else:
            watch.outcome = "left" if watch.good else "ended"
            watch.reason = "the guard ended without a verdict"

    def _lost(self, host_run: HostRun, error: Unreachable) -> None:
        """What ran there the Swarm starts elsewhere: the others judge the release without it.

        Raises:
            Unreachable: where it is the manager, which decides; or where an interrupt ended the watch.
        """
        if self._decides(host_run) or workers.is_left():
            raise error
        host_run.warn(f"the node is lost, and not watched any more: {error}")
        self.gone.add(host_run.remote.name)
        self.watches.pop(host_run.remote.name, None)

    def _stand_down(self, host_run: HostRun) -> None:
        if self._decides(host_run):
            Watching._stand_down(self, host_run)
            return
        with suppress(Unreachable):
            self._end(host_run, "the operator's run was ended")

    def _end(self, host_run: HostRun, why: str) -> None:
        state = host_run.paths.state
        self._tell(host_run, f"back {why}")
        seconds = int(QUICK) + self.on.settings.watch.interval
        host_run.run(remote_commands.await_end(state, seconds), seconds + QUICK)

    @property
    def _longest_way_back(self) -> int:
        manager = self.on.at_work
        return (rolling.texts_back(manager)[1] if manager.touched else 0) + self._margin

    @property
    def _margin(self) -> int:
        return MARGIN
