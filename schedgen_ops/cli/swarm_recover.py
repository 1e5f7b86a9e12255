"""What `inv emergency.recover` does on a Swarm, also where the node of the database is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.offsite.pull import Pull
from schedgen_ops.backup.restore.run import DATA, Restore
from schedgen_ops.cli import emergency_common as common
from schedgen_ops.cli import offsite
from schedgen_ops.cli.locking import awaited
from schedgen_ops.cli.swarm_emergency import At, each_of, safety
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.steps import Step
from schedgen_ops.swarm import data_node, elsewhere, emergency, finding
from schedgen_ops.swarm.data_node import Placed
from schedgen_ops.swarm.emergency import WholeStack
from schedgen_ops.swarm.emergency_node import DataNode
from schedgen_ops.swarm.manager import seen
from schedgen_ops.task_run import Operation


def recover(op: Operation, placed: Placed, wanted: str, node: str, *, from_offsite: bool) -> None:
    """Take everything down, restore the data where there is any, start and verify everything; after asking.

    Args:
        wanted: a backup's id, or enough of its start; "" for the last good one.
        node: the host of the config where the database begins anew, since the one that had it is lost; "" for
            where its data is.
        from_offsite: whether the backup is brought from the offsite remote first.

    Raises:
        ConfigError: for a node that is none, or an offsite backup without a name.
        Refused: where nothing is known to be started, or the node of the data is not known.
    """
    if from_offsite and not wanted:
        raise ConfigError("--from-offsite brings one backup", hint="Name it: --id.")
    awaited(op, begun=("emergency", common.COMPLETE))
    at = At(op, placed)
    one = _Recovery(at, WholeStack(emergency.at_work(at.manager), at.nodes))
    if placed.written.stores:
        one.find(wanted, node, from_offsite=from_offsite)
    elif wanted or node:
        raise Refused("this Swarm holds no data that could be replaced", hint="Leave out --id and --node.")
    common.ask(op, one.warning, one.found, tuple(one.told()))
    if at.node:
        # It may never have held anything of the project, and has to before it is locked.
        data_node.ready(op.context(op.nodes[at.node]))
    common.perform(op, common.COMPLETE, one.steps(), one.todo, common.Doubt())


@dataclass(slots=True)
class _Recovery:
    """One recovery.

    Attributes:
        found: the backup that is restored, by the node of the data; none where there is no data.
        begins: whether the database begins anew there.
        pull: brings the backup from the offsite remote; None where it is there.
        todo: the restore, by the node.
    """

    at: At
    whole: WholeStack
    found: dict[str, Manifest]
    todo: dict[str, Restore]
    begins: bool = False
    pull: Pull | None = None

    def __init__(self, at: At, whole: WholeStack) -> None:
        self.at, self.whole = at, whole
        self.found, self.todo, self.begins, self.pull = {}, {}, False, None

    def find(self, wanted: str, node: str, *, from_offsite: bool) -> None:
        """Find the node of the data, and the backup."""
        at, whole, placed = self.at, self.whole, self.at.placed
        if node:
            self.begins = elsewhere.begins(whole, at.nodes, placed, node)
        at.settle_on(node or finding.find(at.manager, at.nodes, placed, whole.release, whole.files))
        op = at.op
        if from_offsite:
            self.pull = offsite.pull_to(op, op.nodes[at.node])
        self.found = {at.node: self.pull.offered(wanted) if self.pull else at.backup(wanted, whole=True)}
        self.todo = {
            name: Restore(op.context(op.nodes[name]), backup, DATA) for name, backup in self.found.items()
        }

    @property
    def warning(self) -> str:
        """What it does, in a sentence."""
        after = "put the data back from a backup" if self.found else "start it anew"
        where = f", on {self.at.node}: what was on the node before is given up" if self.begins else ""
        return f"WARNING: This will take everything down and {after}{where}"

    def told(self) -> Iterator[str]:
        """Yield what it does, step by step."""
        yield "Remove every service of the stack (the volumes stay)"
        yield from common.RESTORING if self.found else ()
        yield f"Start everything as {self.whole.release.id} has it"
        yield "Verify"

    def steps(self) -> tuple[Step, ...]:
        """Return the steps."""
        fetching = Step("", offsite.FETCHING, self._fetch, gate=True)
        return (
            *((fetching,) if self.pull else ()),
            Step("", "Looking", self._look, gate=True),
            Step("", "Stopping everything", self._down, settles=True),
            *(self._restoring() if self.found else ()),
            Step("", "Starting everything", self._up),
            Step("", "Verification", self.at.verify),
        )

    def _restoring(self) -> tuple[Step, ...]:
        remote = self.at.op.nodes[self.at.node]
        node = DataNode(self.at.op.context(remote), whole=self.whole)
        each = partial(each_of, self.at, self.todo)

        def begin() -> None:
            self.whole.note(anew=True)
            elsewhere.bind(self.whole, remote)
            node.up_data()

        def swap() -> None:
            settings = self.at.placed.written
            if settings.objects:
                for one in self.todo.values():
                    one.held.hold()
                self.whole.vacate(settings.objects.service)
            each(Restore.swap)()
            self.whole.note()

        saving = Step("", "Safety backup", partial(safety, node, self._parts))
        return (
            Step("", "Starting the database", begin if self.begins else node.up_data),
            *(() if self.begins else (saving,)),
            Step("", "Restoring", each(Restore.prepare)),
            Step("", "Exchanging", swap),
        )

    @property
    def _parts(self) -> frozenset[str]:
        """What data there is."""
        written = self.at.placed.written
        stored = {"database": written.database, "objects": written.objects}
        return frozenset(name for name, part in stored.items() if part)

    def _fetch(self) -> None:
        assert self.pull is not None
        self.pull(self.found[self.at.node])

    def _look(self) -> None:
        # Without a quorum nothing could be told to the Swarm.
        seen(self.whole.manager.context)
        self.whole.manager.say(f"Release {self.whole.release.id} is to serve")
        each_of(self.at, self.todo, Restore.check_files)()
        if self.begins:
            elsewhere.rebound(self.whole, self.at.op.nodes[self.at.node])

    def _down(self) -> None:
        first = self.at.placed.having[self.at.manager.name]
        self.whole.down(anew=first.anew)

    def _up(self) -> None:
        if failed := self.whole.up():
            raise failed[0]
