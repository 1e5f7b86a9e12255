"""A run that moves a project from Compose to the Swarm, and one that puts right what a move has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from schedgen_ops import events
from schedgen_ops.commands.moving import Surveyed
from schedgen_ops.deploy import half_moved
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.probe.run import probing
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import compose_side, rolling
from schedgen_ops.swarm.move_plan import RECOVER
from schedgen_ops.swarm.session import SwarmSession


@dataclass(slots=True)
class ComposeSession(SwarmSession):
    """A run on a Swarm that knows that Compose may run the project on its nodes.

    Attributes:
        composed: the services that Compose runs, by host, as they were found before anything was changed.
    """

    composed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Compose may run the project."""
        return True

    def context(self, remote: Remote) -> HostContext:
        """Return a node with what is needed to work there before the run has begun."""
        return HostContext(remote, self.settings, self.clock, self.emit, self.sign_in)

    def surveyed(self) -> Outcomes[Surveyed]:
        """Ask every node what it has of the project."""
        return self.nodes.each(lambda remote: compose_side.survey(self.context(remote)))

    def compose_hosts(self) -> Fleet:
        """Return the hosts where Compose runs the project."""
        return self.nodes.only([*self.composed])

    def refuse_unfinished(self) -> None:
        """Refuse where a run was interrupted while Compose ran the project: Compose has to put it right.

        Raises:
            Refused: then.
        """
        begun = [release.id for release in self.at_work.seen.shelf.unfinished if not release.moves]
        if self.composed and begun:
            text = f"{', '.join(begun)} was interrupted while Compose ran the project"
            hint = "Put it right with `orchestrator: compose` in the config: `inv deploy.recover`."
            raise Refused(text, host=self.at_work.remote.name, hint=hint)

    def start_compose(self) -> None:
        """Start what was stopped of what Compose ran, wherever that was.

        Raises:
            OpsError: for the first host where it does not run again; the others were asked too.
        """
        started = self.compose_hosts().each(lambda remote: compose_side.back(self.context(remote))).by_host()
        for host, count in started.items():
            if count:
                events.info(self.emit, f"Compose's containers run again ({count})", host)

    def probe(self) -> None:
        """Begin to ask the hosts that serve as a visitor does: those of Compose, as long as it serves."""
        fleet = self.compose_hosts() if self.composed else self.nodes
        self._prober = self._stack.enter_context(probing(fleet, self.settings, self.emit))

    def not_well(self) -> list[str]:
        """Return which checks of what Compose runs do not pass."""
        hosts = self.composed

        def asked(remote: Remote) -> list[str]:
            return compose_side.wrong(self.context(remote), hosts[remote.name], hosts)

        return [text for found in self.compose_hosts().each(asked).values() for text in found]

    def serving(self) -> str:
        """Verify what Compose runs, and return it in words; what the Swarm runs, where Compose runs nothing.

        Raises:
            OpsError: where it does not pass its checks.
        """
        if not self.host_runs or not self.composed:
            return SwarmSession.serving(self)
        if bad := self.not_well():
            raise OpsError(
                "Compose's containers were started again, and do not pass their checks",
                detail="\n".join(bad),
                hint="`docker ps` there, or `inv status` with `orchestrator: compose`, tells more.",
            )
        old = self.at_work.old
        return f"The old release serves, by Compose: {old.id if old else 'what ran before'}"


@dataclass(slots=True)
class MoveSession(ComposeSession):
    """A run that moves the project."""

    def recover(self) -> None:
        """Refuse where something was interrupted: nothing is moved before that is put right.

        Raises:
            Refused: then; or where a node does not answer.
        """
        surveys = self.surveyed().by_host()
        if left := [host for host, each in surveys.items() if each.moved]:
            raise Refused("an earlier move was interrupted", host=", ".join(left), hint=RECOVER)
        half_moved.refuse(self.at_work, RECOVER)
        self.composed = {host: each.runs for host, each in surveys.items() if each.runs}
        self.refuse_unfinished()
        SwarmSession.recover(self)

    def release(self, commit: str, branch: str = "") -> Release:
        """Return the record of a release that is begun now, which says that it moves the project."""
        return replace(SwarmSession.release(self, commit, branch), moves=True)


@dataclass(slots=True)
class RightingSession(ComposeSession):
    """A run that takes back a move which was interrupted, or ends one that was as good as over."""

    def recover(self) -> None:
        """Take back what an interrupted run left, moves among them.

        Raises:
            OpsError: where it cannot be taken back; it can be tried again.
        """
        shelf = self.at_work.seen.shelf
        asked = self.surveyed()
        moved = {host: each.moved for host, each in asked.ok.items() if each.moved}
        half = [host for host, name in moved.items() if name != shelf.current]
        begun = [release.id for release in half_moved.begun(self.at_work)]
        righted = ""
        if half or begun:
            self._take_back(half, begun or [ReleaseId(moved[half[0]])], asked)
            righted = "the move to the Swarm was taken back, and Compose runs what it ran"
        elif moved:
            self.nodes.only([*moved]).each(lambda remote: compose_side.over(self.context(remote))).values()
            righted = "what Compose ran before the move was removed"
        self.composed = self._runs()
        self.refuse_unfinished()
        SwarmSession.recover(self)
        self.at_work.righted = "; ".join(filter(None, (righted, self.at_work.righted)))

    def _take_back(self, half: Sequence[str], begun: Sequence[ReleaseId], asked: Outcomes[Surveyed]) -> None:
        events.warn(self.emit, f"A move to the Swarm was interrupted: {', '.join(begun)}")
        self.at_work.warn("The stack is removed, and Compose's containers are started again")
        rolling.remove(self.at_work, ())
        self.composed = dict.fromkeys(half, ())
        self.start_compose()
        # Whoever does not answer may have containers that are still stopped.
        asked.values()

    def _runs(self) -> Mapping[str, tuple[str, ...]]:
        return {host: each.runs for host, each in self.surveyed().ok.items() if each.runs}
