"""The database of a Swarm that a rollback takes back too, on the node where it runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.release.store import Shelf
from schedgen_ops.rollback.data import RestoredData, restore_of
from schedgen_ops.swarm import manager
from schedgen_ops.swarm.data_node import Placed, Users, users_of


def of_release(
    nodes: Fleet, context: ContextOf, placed: Placed, shelf: Shelf, target: ReleaseId
) -> RestoredData:
    """Return what is to be restored for `target`; who uses it is stopped while it is exchanged.

    Args:
        context: with the config's settings, for the manager.
        shelf: the releases, as the manager knows them.

    Raises:
        Refused: where the database runs on no node, or no backup is known.
    """
    if placed.written.database is None:
        raise Refused("no database is configured")

    at = replace(context(nodes[placed.node()]), settings=placed.settings)
    users = Users(context(nodes.hosts[0]), users_of(placed.written, DATABASE))
    return _on_its_node(nodes, restore_of(at, shelf, target), users)


def back(at_manager: HostContext, at: HostContext, nodes: Fleet, release: Release, then: Act) -> None:
    """Put the database in its place again that a killed rollback exchanged, or was about to; may run twice.

    Args:
        at: the node of the database.
        nodes: all that answer.
        then: what is done before anybody uses it.

    Raises:
        OpsError: where that cannot be done.
    """
    there = {each.service for each in manager.seen(at_manager).services}
    names = tuple(name for name in users_of(at.settings, DATABASE) if name in there)
    data = _on_its_node(nodes, half.begun(at, release.restored), Users(at_manager, names))
    data.back(then)
    data.drop()


def _on_its_node(nodes: Fleet, restore: Restore, users: Users) -> RestoredData:
    at = restore.host
    fleet = nodes.only((at.name,))
    around = partial(users.around, data=fleet, context=lambda _: at)
    return RestoredData(fleet, {at.name: restore}, around, users.check)
