"""The guarded deploy: watched on every host after its verification, kept or taken back."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from schedgen_ops import events
from schedgen_ops.deploy import pipeline, run, services
from schedgen_ops.deploy.host_run import HostRun, Share
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import CommandFailed, ConnectionLost
from schedgen_ops.fleet import Fleet, at_once
from schedgen_ops.guard import plan, remote_commands
from schedgen_ops.guard.plan import AgentConfig, Stage
from schedgen_ops.guard.story import HostWatch
from schedgen_ops.guard.words import announce, handed_over, taken_back
from schedgen_ops.lock.run import myself
from schedgen_ops.release import store
from schedgen_ops.release.record import State
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Secret
from schedgen_ops.steps import Step

_START = 60.0
_SIGNAL = 30.0
# What going back may take beyond the configured deadlines of its parts.
_MARGIN = 300
# Percent of the requests.
_EVERY = 100


def guarded(session: Session, webhook: Secret | None = None) -> Pipeline:
    """Return the pipeline of a deploy whose release is watched once verified, and kept or taken back.

    Args:
        webhook: where hosts tell the team, once no operator's process is left to; None for nowhere.
    """
    session.share = plan.stages(session.settings)[0].share
    number, watching = run.last(session), Watching(session, webhook)
    end = (
        # Whether they stay up is for the watch to see.
        pipeline.check(session, number),
        watched(watching, number + 1),
        *pipeline.end(session, number + 2),
    )
    return Pipeline(session, (*run.until_verified(session, partial(judged, webhook=webhook)), *end))


def watched(watching: Watching, number: int) -> Step:
    """Return the step that watches a release until it is kept or taken back."""
    title = "Extended monitoring with automatic rollback detection"
    return Step(str(number), title, watching.watch, undo=watching.stand_down, settles=True)


def judged(session: Session, hosts: tuple[str, ...], webhook: Secret | None = None) -> Step:
    """Return the step that watches a release on canary hosts, before the others get it.

    Args:
        hosts: their names.
        webhook: see `guarded`.
    """
    watching = Watching(session, webhook, hosts)
    return Step("", "Watching the canary hosts", watching.watch, undo=watching.stand_down)


@dataclass(frozen=True, slots=True)
class Watching:
    """The watch of a release on every host of a session, or on canary hosts before the others get it.

    Attributes:
        webhook: where hosts tell the team by themselves.
        canaries: the names of the canary hosts; () for the watch of all, at the end.
        watches: what the watchdog of each host told, by its name.
    """

    session: Session
    webhook: Secret | None = None
    canaries: tuple[str, ...] = ()
    watches: dict[str, HostWatch] = field(default_factory=dict)
    _stopping: dict[str, float] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def watch(self) -> None:
        """Follow the watchdogs, which decide by themselves on each host, and make the hosts agree.

        Raises:
            OpsError: where a host went back, or could not.
            HandedOver: where a host is out of reach: it decides alone.
        """
        self._announce()
        self.session.locked()
        self._each(self._begin)
        outcomes = self._hosts.each(lambda remote: self._follow(self._at(remote)))
        lost = [name for name, error in outcomes.errors.items() if isinstance(error, ConnectionLost)]
        if lost:
            raise handed_over(lost, *self._by_itself())
        outcomes.values()
        bad = [watch for watch in self.watches.values() if watch.outcome not in ("kept", "left")]
        if bad:
            raise taken_back(bad)
        if self.canaries:
            events.info(self.session.emit, self._well())
            return
        # The hosts have written it down, and what stood by is gone: nothing here may fail any more.
        self.session.serves = True
        for host_run in self.session.host_runs:
            host_run.containers_changed()
            reason = self.watches[host_run.remote.name].reason
            host_run.new = replace(host_run.release, state=State.DONE, guard=reason)
        events.info(self.session.emit, "Monitoring passed: the release is kept")

    def _well(self) -> str:
        return f"The release does well on {', '.join(self.watches)}: the other hosts get it"

    def _by_itself(self) -> tuple[str, str]:
        """What a host does that nobody follows any more, and what the hint says besides."""
        if self.canaries:
            then = "takes the release back, since no other host has it"
            return then, "; `inv deploy.recover` puts the other hosts right"
        return "keeps the release or goes back", ""

    @property
    def _names(self) -> set[str]:
        """The hosts that are watched."""
        names = {*self.session.fleet.names}
        return names & {*self.canaries} if self.canaries else names

    @property
    def _hosts(self) -> Fleet:
        return self.session.fleet.only(self._names)

    def _at(self, remote: Remote) -> HostRun:
        return self.session.host_run(remote)

    @property
    def _host_runs(self) -> tuple[HostRun, ...]:
        return tuple(map(self._at, self._hosts))

    def _each(self, share: Share) -> None:
        self._hosts.each(lambda remote: share(self._at(remote))).values()

    def _stages(self, host_run: HostRun) -> tuple[Stage, ...] | None:
        """The watch of a host where it is not what the configuration says of all; None where it is."""
        settings, shares = self.session.settings, self.session.share < _EVERY
        if self.canaries:
            return plan.before_others(settings, shares=shares)
        if host_run.judged:
            # It has had its shares.
            return (Stage(_EVERY, sum(stage.seconds for stage in plan.stages(settings))),)
        return None

    def _announce(self) -> None:
        settings = self.session.settings
        seconds = settings.rollout.canary_watch if self.canaries else plan.stages(settings)[-1].seconds
        announce(self.session.emit, settings, "deployment", seconds)

    def _begin(self, host_run: HostRun) -> None:
        config = replace(self._config(host_run), canary=bool(self.canaries))
        if stages := self._stages(host_run):
            config = replace(config, stages=stages if config.proxies else stages[-1:])
        watch = HostWatch(config.policy, config.stages, self.session.emit, host_run.remote.name)
        self.watches[host_run.remote.name] = watch
        if self.session.share < _EVERY and not config.proxies:
            host_run.warn("Nothing behind the ingress changed: there is no share to begin with")
        # The run's own token: the lock is not refused to the run because of its own watchdog.
        session = self.session
        owner = replace(myself(session.clock, "guard", str(session.asked())), token=session.owner.token)
        whose = f"{session.settings.environment} {host_run.remote.name}"
        webhook = None if config.node else self.webhook
        host_run.run(remote_commands.start(host_run.paths.state, owner, config, webhook, whose), _START)

    def _config(self, host_run: HostRun) -> AgentConfig:
        # Services go back one after the other where they need one another.
        self._stopping[host_run.remote.name] = sum(host_run.grace(name) for name in host_run.touched)
        return plan.agent_config(host_run, alone=len(self.session.host_runs) == 1)

    def _follow(self, host_run: HostRun) -> None:
        watch = self.watches[host_run.remote.name]
        longest = watch.duration + self.session.settings.guard.traffic_timeout + self._longest_way_back

        def on_line(line: str) -> None:
            word = watch.take(line)
            if word == "bad":
                self._tell_others(host_run, f"back {host_run.remote.name}: {watch.verdict}")
            elif word == "good":
                self._agree()

        with suppress(CommandFailed):
            host_run.remote.stream(remote_commands.follow(host_run.paths.state), on_line, deadline=longest)
        if not watch.outcome:
            self._look_up(host_run, watch)
        host_run.judged = watch.outcome == "left"
        host_run.home = watch.outcome == "back"

    @property
    def _longest_way_back(self) -> int:
        settings, stopping = self.session.settings, max([0, *self._stopping.values()])
        return int(2 * settings.health.deadline + settings.rollout.drain + stopping) + _MARGIN

    def _look_up(self, host_run: HostRun, watch: HostWatch) -> None:
        """The log was gone before its end was read: the record tells."""
        release = store.read(host_run.remote, host_run.paths).get(host_run.release.id)
        state = release.state if release else State.STARTED
        if self.canaries and watch.good and state is State.STARTED:
            watch.outcome = "left"
            return
        watch.outcome = {State.DONE: "kept", State.FAILED: "back", State.BROKEN: "broken"}.get(state, "ended")
        watch.reason = (release.guard or release.error) if release else ""
        watch.reason = watch.reason or "the guard ended without a verdict"

    def _tell_others(self, host_run: HostRun, text: str) -> None:
        others = [other for other in self._host_runs if other is not host_run and not self._over(other)]
        at_once([partial(self._tell, other, text) for other in others])

    def _agree(self) -> None:
        """Once every host found the release good, each is told to keep it, or to leave it to us."""
        word = "leave" if self.canaries else "keep"
        with self._turn:
            ready = all(self.watches[host_run.remote.name].good for host_run in self._host_runs)
        if ready:
            at_once([partial(self._tell, host_run, word) for host_run in self._host_runs])

    def _tell(self, host_run: HostRun, text: str) -> None:
        host_run.run(remote_commands.signal(host_run.paths.state, text), _SIGNAL)

    def _over(self, host_run: HostRun) -> bool:
        watch = self.watches.get(host_run.remote.name)
        return watch is None or bool(watch.outcome)

    def stand_down(self) -> None:
        """Make every watchdog go back now, if it has not yet, and wait until it has ended."""
        self._each(self._stand_down)

    def _stand_down(self, host_run: HostRun) -> None:
        self._tell(host_run, "back the operator's run was ended")
        longest = self._longest_way_back
        host_run.run(remote_commands.await_end(host_run.paths.state, longest), longest + _SIGNAL)
        host_run.containers_changed()
        # It may have kept the release a moment before it was told.
        if store.read(host_run.remote, host_run.paths).current == host_run.release.id:
            host_run.new = replace(host_run.release, state=State.DONE)
            services.reopen(host_run)
