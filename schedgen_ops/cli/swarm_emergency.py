"""What `inv emergency` does on a Swarm: a manager is told, and the data restored on the node that has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.elsewhere import on_each
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.cli import emergency_common as common
from schedgen_ops.cli.backup import catalog_of
from schedgen_ops.cli.locking import awaited
from schedgen_ops.errors import OpsError, VerificationFailed
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import Remote
from schedgen_ops.steps import Step
from schedgen_ops.swarm import data_node, emergency, finding, shut, verifying
from schedgen_ops.swarm.data_node import Placed, Users
from schedgen_ops.swarm.emergency import WholeStack
from schedgen_ops.swarm.emergency_node import DataNode
from schedgen_ops.task_run import Operation


@dataclass(slots=True)
class At:
    """Where an emergency works: the nodes that answer, and the one that has the data."""

    op: Operation
    placed: Placed
    node: str = ""

    @property
    def manager(self) -> HostContext:
        """The first host, which has the records."""
        return self.op.context(self.op.nodes.hosts[0])

    @property
    def nodes(self) -> Fleet:
        """The hosts of the config that answer."""
        return self.op.nodes.only(self.placed.having)

    @property
    def data(self) -> Fleet:
        """The node that has the data."""
        return self.op.nodes.only({self.node})

    def settle_on(self, name: str) -> None:
        """Work on the data of that node from now on, whether or not the database runs there."""
        self.node, self.placed = name, finding.with_data(self.placed, name)
        self.op.placed, self.op.settings = self.placed, self.placed.settings
        self.op.fleet = self.op.nodes.only({name, self.op.nodes.names[0]})

    def backup(self, wanted: str, *, whole: bool = False) -> Manifest:
        """The backup that is restored, the newest good one where none is named.

        Args:
            whole: whether one of all data is preferred, and not the newest of the database.

        Raises:
            OpsError: where there is none.
        """
        catalog = catalog_of(self.op, self.op.nodes[self.node])
        database, objects = bool(self.placed.written.database), bool(self.placed.written.objects)
        if wanted:
            found: Manifest | None = selection.named(catalog, wanted, self.node)
        else:
            newest = partial(selection.newest, catalog, database=database)
            found = newest(objects=whole and objects) or newest()
        if found is None or (database and found.database is None):
            raise OpsError("there is no good backup of the database here", host=self.node)
        return found

    def verify(self) -> None:
        """Verify the stack and every node, which may take their time to answer.

        Raises:
            VerificationFailed: where something does not answer as it should.
        """
        written = self.placed.written

        def context(remote: Remote) -> HostContext:
            return replace(self.op.context(remote), settings=written)

        def failure(failed: int, count: int) -> OpsError:
            restored = "The data is restored. " if self.node else ""
            hint = f"{restored}`inv logs SERVICE` tells what is missing."
            return VerificationFailed(f"{failed} of {count} checks did not pass", hint=hint)

        known = shut.closing(self.op.nodes, context)
        count = verifying.everywhere(self.nodes, known, verifying.coming_up(written), failure)
        self.manager.say(f"All services are healthy ({count} checks passed)")


def database(op: Operation, placed: Placed, wanted: str) -> None:
    """Stop what uses the database, restore it where it runs, start what was stopped; after asking.

    Args:
        wanted: a backup's id, or enough of its start; "" for the last good one.

    Raises:
        Refused: where it runs on no node, or an emergency that took everything down was cut off.
    """
    awaited(op, begun=("emergency", common.CORRUPT))
    at = At(op, placed)
    emergency.refuse_down(placed, at.manager.name)
    at.settle_on(placed.node())
    found = {at.node: at.backup(wanted)}
    database = placed.written.database
    if database is None or found[at.node].database is None:
        raise OpsError("there is no good backup of the database here", host=at.node)
    names = ", ".join(database.used_by)
    common.ask(
        op,
        "WARNING: This will replace the database with that of a backup",
        found,
        common.exchange_of(names),
        lost_rows=True,
    )
    todo = {name: Restore(op.context(op.nodes[name]), backup, DATABASE) for name, backup in found.items()}
    users, doubt, each = Users(at.manager, database.used_by), common.Doubt(), partial(each_of, at, todo)

    def check() -> None:
        users.check()
        each(Restore.check)()

    def swap() -> None:
        doubt.any = True
        each(Restore.swap)()

    def start_again() -> None:
        common.refuse_half(half.not_whole(at.data, op.context) if doubt.any else ())
        data_node.resume(at.manager)

    def start() -> None:
        if names := data_node.resume(at.manager):
            at.manager.say(f"Started: {names}")

    node = DataNode(op.context(op.nodes[at.node]), whole=WholeStack(emergency.at_work(at.manager), at.nodes))
    steps = (
        Step("", "Checking the backup", check, gate=True),
        Step("", "Stopping what uses the database", users.stop, undo=start_again),
        Step("", "Safety backup", partial(safety, node)),
        Step("", "Restoring beside the old one", each(Restore.prepare), undo=each(Restore.drop)),
        Step("", "Exchanging", swap, undo=each(Restore.back), settles=True),
        Step("", "Starting what uses the database", start),
        Step("", "Verification", at.verify),
    )
    common.perform(op, common.CORRUPT, steps, todo, doubt)


def safety(node: DataNode, parts: frozenset[str] = DATABASE) -> None:
    """Save what is there, as far as it can be read."""
    data_node.ready(node.context)
    node.safety(parts)


def each_of(at: At, todo: dict[str, Restore], action: common.Action) -> common.Act:
    """Return what does something with the restore."""
    return lambda: on_each(at.data, todo, action)
