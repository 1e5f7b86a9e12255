"""What tasks do where a Swarm runs the services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from schedgen_ops import events
from schedgen_ops.cli.looking import conclude, look
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.swarm import Seen, Standing
from schedgen_ops.deploy.session import Session
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import manager
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Column, Table, details

if TYPE_CHECKING:
    from schedgen_ops.swarm.session import SwarmSession

Kind = TypeVar("Kind", bound="SwarmSession")
_NODES = ("Node", "Status", "Availability", "Manager", "Engine", Column("Containers", right=True))
_SERVICES = ("Service", Column("Running", right=True), "Update", "Nodes", "What is wrong")


def session(op: Operation, session: Session) -> SwarmSession:
    """Return a session as one on the Swarm of the environment."""
    from schedgen_ops.swarm.session import SwarmSession

    return session_of(op, session, SwarmSession)


def session_of(op: Operation, session: Session, kind: type[Kind]) -> Kind:
    """Return a session as one of a kind on the Swarm of the environment."""
    from dataclasses import fields

    said = {
        each.name: getattr(session, each.name) for each in fields(session) if not each.name.startswith("_")
    }
    # Whoever brings a service says with which credentials nodes pull it.
    return kind(**{**said, "reach": None, "sign_in": op.sign_in}, nodes=op.nodes)


def plan(op: Operation, ref: Ref) -> None:
    """Show what a deploy of `ref` would do."""
    from schedgen_ops.swarm import preview

    if op.sign_in:
        op.sign_in()  # A password that cannot be had is told before a host is asked.
    answered = look(op, lambda remote: preview.look(op.context(remote), ref))
    for found in answered.ok.values():
        op.ui.show(details(found.head, title=f"What a deploy of {ref} would do"))
        if found.coded:
            commits = tuple((commit,) for commit in found.commits)
            op.ui.show(Table(("Commit",), commits, title="Commits", empty="None."))
        columns = ("Service", "Action", "Why", "How")
        op.ui.show(Table(columns, found.services, title="Services", empty="There is none."))
    conclude(answered)


def status(op: Operation) -> None:
    """Show how the Swarm's nodes and the services of the stack stand, and who is turned away."""
    from schedgen_ops.cli import swarm_maintenance

    def asked(at: Remote) -> tuple[Seen, store.Shelf]:
        return manager.seen(op.context(at)), store.read(at, Paths(op.settings.directory))

    answered = look(op, asked)
    for name, (found, shelf) in answered.ok.items():
        op.ui.show(
            Table(_SERVICES, tuple(map(_service, found.services)), "Services", empty="No service is there.")
        )
        op.ui.show(Table(_NODES, tuple(_nodes(found)), "Nodes"))
        serving = shelf.doubt or shelf.current or "nothing that was deployed yet"
        events.info(op.emit, f"Serving: {serving}")
        for service in found.services:
            if not service.good:
                events.warn(op.emit, f"service {service.service}: {service.text}")
        for node in found.nodes:
            if not node.good:
                events.warn(op.emit, f"the node {node.name} is {(node.manager or node.status).lower()}")
        swarm_maintenance.status(op, op.fleet[name], shelf.serving)
    conclude(answered)


def _service(one: Standing) -> tuple[str, ...]:
    nodes = ", ".join(sorted({task.node for task in one.tasks if task.runs}))
    return (one.service, f"{one.running}/{one.wanted}", one.update, nodes, "" if one.good else one.text)


def _nodes(found: Seen) -> Iterator[tuple[object, ...]]:
    tasks = [task for service in found.services for task in service.tasks if task.runs]
    for node in found.nodes:
        count = sum(task.node == node.name for task in tasks)
        yield (node.name, node.status, node.availability, node.manager, node.engine, count)
