"""The database of a Swarm that a rollback takes back too, on the node where it runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.run import DATABASE
from schedgen_ops.deploy.rolling import Act
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Remote
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

    def of_data(remote: Remote) -> HostContext:
        return replace(context(remote), settings=placed.settings)

    node = nodes[placed.node()]
    fleet = nodes.only((node.name,))
    users = Users(context(nodes.hosts[0]), users_of(placed.written, DATABASE))
    todo = {node.name: restore_of(of_data(node), shelf, target)}
    return RestoredData(fleet, todo, partial(users.around, data=fleet, context=of_data), users.check)


def back(at_manager: HostContext, at: HostContext, nodes: Fleet, release: Release, then: Act) -> None:
    """Put the database in its place again that a killed rollback exchanged, or was about to; may run twice.

    Args:
        at: the node of the database.
        nodes: all that answer.
        then: what is done before anybody uses it.

    Raises:
        OpsError: where that cannot be done.
    """
    restore = half.begun(at, release.restored)
    there = {each.service for each in manager.seen(at_manager).services}
    names = tuple(name for name in users_of(at.settings, DATABASE) if name in there)
    fleet = nodes.only((at.name,))

    def both() -> None:
        restore.back()
        then()

    Users(at_manager, names).around(both, fleet, lambda _: at)
    restore.drop()
