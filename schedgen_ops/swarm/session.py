"""A run on a Swarm: commands go to its first host, a manager; every node is asked as visitors ask."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from schedgen_ops import events
from schedgen_ops.commands.swarm_data import Holding, parse_holding
from schedgen_ops.deploy import half_moved
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.orchestrators.swarm.canary import Canary
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.probe.run import probing
from schedgen_ops.release.paths import Paths, elsewhere
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import (
    data_node,
    emergency,
    finding,
    guests,
    parted,
    recovery,
    restored_data,
    shut,
    verifying,
)
from schedgen_ops.swarm.data_node import Placed
from schedgen_ops.swarm.emergency import WholeStack
from schedgen_ops.swarm.keeping_away import Ingresses
from schedgen_ops.swarm.manager import folder
from schedgen_ops.swarm.move_plan import RECOVER
from schedgen_ops.watch import rules

_REACH = 60.0


@dataclass(slots=True)
class NodeRun(HostRun):
    """A node that is no host of the run's: the project's directory need not be there."""

    @property
    def paths(self) -> Paths:
        """The paths of our state there, in the home of who signs in."""
        return elsewhere(self.settings.project)


@dataclass(slots=True)
class SwarmSession(Session):
    """One run on a Swarm; `fleet` is the manager alone, which has the lock and the records.

    Attributes:
        nodes: all hosts of the config, as far as they answer.
        placed: which of them have data, once that was asked.
        untold: why a manager could not be told to take the release back; None where it could, or need not.
        totals: bytes that the parts of the backup will likely come to, by host.
        canaries: those that are there.
        brought: the services that were replaced before them.
        shut: the hosts whose ports are to answer nobody.
    """

    nodes: Fleet = field(default_factory=lambda: Fleet(()))
    placed: Placed | None = None
    untold: OpsError | None = None
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    canaries: tuple[Canary, ...] = ()
    brought: set[str] = field(default_factory=set)
    shut: tuple[str, ...] = ()
    _looking: dict[str, NodeRun] = field(default_factory=dict)

    @property
    def at_work(self) -> HostRun:
        """The manager in the middle of the run."""
        return self.host_runs[0]

    @property
    def ingresses(self) -> Ingresses:
        """What leads visitors in, on the nodes that answer."""
        return Ingresses(self.at_work.context, self.nodes, self.node)

    def recover(self) -> None:
        """Take back what an interrupted run left, and leave out nodes that do not answer."""
        if self.sign_in:
            self.sign_in()  # A password that cannot be had is told before anything is changed.
        if not self.moves:
            half_moved.refuse(self.at_work, RECOVER)
        asked, first = self._reach(), self.at_work.remote.name
        if first in asked.errors:
            raise asked.errors[first]
        if asked.ok[first].anew:
            raise emergency.empty(first)
        self._right_data(self._cut_off() if asked.ok[first].down else None)
        guests.sweep(self.at_work, self.nodes, self.node)
        shelf = self.at_work.seen.shelf
        with self.ingresses.replaced(shelf.serving if recovery.left(shelf) else None):
            recovery.recover(self.at_work, self._database_back)

    def _right_data(self, cut_off: WholeStack | None) -> None:
        """The data as it was before what was cut off, and what that had stopped started again."""
        if cut_off:
            cut_off.start_again()
            self._asked()
        if self.placed:
            at = self._node_of_data(self.placed)
            if cut_off and at is None:
                raise finding.not_there(self.placed.written)
            # A database that a rollback exchanged is put back before anybody uses it.
            exchanged = any(release.restored for release in recovery.left(self.at_work.seen.shelf))
            if data_node.put_right(self.at_work.context, at, starts=not exchanged):
                self.at_work.righted = "what a restore that was cut off had left was put right"
        if cut_off:
            # What does not get well was told of: a deploy may be what mends it.
            cut_off.up()
            self.at_work.righted = "what an emergency had taken down was started again"

    def _database_back(self, release: Release, then: Act) -> None:
        """The database that a killed rollback exchanged, in its place again, before anybody uses it."""
        at = self._node_of_data(self.placed) if self.placed else None
        if at is None:
            raise finding.not_there(self.settings)
        restored_data.back(self.at_work.context, at, self.nodes, release, then)

    def _cut_off(self) -> WholeStack:
        """What an emergency took down and did not live to bring up again."""
        return WholeStack(emergency.at_work(self.at_work.context), self.nodes)

    def _reach(self) -> Outcomes[Holding]:
        """A node that does not answer is the Swarm's to replace; nobody asks there what visitors notice."""
        asked = self._asked()
        for name, error in asked.errors.items():
            events.warn(
                self.emit, f"{name} does not answer, and is not asked what visitors notice: {error}", name
            )
        self.nodes = self.nodes.only([name for name in self.nodes.names if name not in asked.errors])
        return asked

    def _asked(self) -> Outcomes[Holding]:
        """What the nodes have of the data, as far as they answer."""
        command = data_node.ask(self.settings)
        asked = self.nodes.each(lambda remote: parse_holding(remote.run(command, deadline=_REACH).lines()))
        if self.settings.stores:
            self.placed = data_node.Placed(self.settings, asked.ok, tuple(asked.errors))
        return asked

    def look_for_data(self) -> None:
        """Look anew which node has the data, after services were brought."""
        self._asked()

    def fleet_of_data(self) -> Fleet:
        """Return the hosts that have a part of a backup: the node of the database, and the first one.

        Raises:
            Refused: where the database runs on no node.
        """
        # What the first host alone has is the definition of what serves.
        first = {*self.locked().names} if self.at_work.old else set()
        return self.nodes.only(first | ({self.placed.node()} if self.placed else set()))

    def of_data(self, remote: Remote) -> HostContext:
        """Return a node with what is needed to work on its data."""
        settings = self.placed.settings if self.placed else self.settings
        return replace(self.node(remote), settings=settings, records=self.fleet.hosts[0])

    def _node_of_data(self, placed: Placed) -> HostContext | None:
        """The node of the data, also where a restore or an emergency has services of it stopped."""
        serving = self.at_work.seen.shelf.serving
        try:
            name = placed.node()
        except Refused:
            if serving is None:
                return None
            at, files = self.at_work.context, folder(self.at_work.paths, serving.id)
            try:
                name = finding.find(at, self.nodes, placed, serving, files)
            except Refused:
                return None
            self.placed = finding.with_data(placed, name)
        return self.of_data(self.nodes[name])

    def interrupt(self) -> None:
        """Ask what runs for the run to end, on the hosts and here."""
        Session.interrupt(self)
        self.nodes.interrupt()

    def probe(self) -> None:
        """Begin to ask every node as a visitor does."""
        self._look_for_shut()
        settings = self.settings.closed(self.shut)
        self._prober = self._stack.enter_context(probing(self.nodes, settings, self.emit))

    def _look_for_shut(self) -> None:
        """Find out where nobody is to be answered; what cannot be asked is as it was."""
        with suppress(OpsError):
            found = shut.hosts(self.nodes, self.node)
            new = set(found) - {*self.shut}
            self.shut = found
            self.at_work.context = shut.without(found, self.at_work.context)
            for name in sorted(new):
                shut.tell(self.node(self.nodes[name]))

    def node(self, remote: Remote) -> HostContext:
        """Return a node with what is needed to work there; it has no checks where its ports answer nobody."""
        settings = self.settings.closed(self.shut)
        return HostContext(remote, settings, self.at_work.clock, self.emit, self.sign_in)

    def on_node(self, remote: Remote) -> HostRun:
        """Return a node in the middle of the run: the manager, or what a node does that only looks."""
        if remote.name == self.at_work.remote.name:
            return self.at_work
        if remote.name not in self._looking:
            at, context = self.at_work, self.node(remote)
            self._looking[remote.name] = NodeRun(context, at.seen, at.old, at.new, touched=at.touched)
        return self._looking[remote.name]

    def verify(self) -> int:
        """Verify the stack, and every node that answers; return how many checks passed.

        Raises:
            OpsError: naming every check that did not pass.
        """
        self._look_for_shut()
        count = verifying.everywhere(self.nodes, self.node)
        # What a rollback goes back from is to serve no longer, wherever that can be had.
        (parted.warn if self.at_work.release.restores else parted.fail)(self.nodes, self.node)
        return count

    def answers(self) -> None:
        """Verify what serves on every node that answers, as long as the lock is ours.

        Raises:
            OpsError: where it does not pass its checks.
        """
        self.locked()
        self.serving()

    def serving(self) -> str:
        """Verify what serves after everything was taken back, and return it in words.

        The Swarm itself may still be at it: what ran on a node that was lost it starts elsewhere.

        Raises:
            OpsError: where it does not pass its checks.
        """
        if not self.host_runs:
            return ""
        old = self.at_work.old
        if old is None:
            return "Nothing served here before"
        self._look_for_shut()
        bad = [
            each
            for part in verifying.looked(self.nodes, self.node, verifying.coming_up(self.settings)).values()
            for each in rules.failed(part)
        ]
        if bad:
            raise OpsError(
                f"{old.id} is in place, and does not pass its checks",
                detail="\n".join(f"{each.check}: {each.text}" for each in bad),
                hint="`inv status` tells how each service stands; `inv logs SERVICE` tells why.",
            )
        return f"The old release serves: {old.id}"
