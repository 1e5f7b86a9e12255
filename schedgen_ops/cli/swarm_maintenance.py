"""What `inv ops.maintenance` does with an operation on a Swarm, and what `inv status` says of it there."""

from __future__ import annotations

from schedgen_ops import events
from schedgen_ops.cli.ops_maintenance import agree, turn
from schedgen_ops.commands import maintenance as note
from schedgen_ops.errors import OpsError
from schedgen_ops.ops import maintenance
from schedgen_ops.ops.maintenance import Closing
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import turned_away
from schedgen_ops.swarm.keeping_away import Ingresses
from schedgen_ops.task_run import Operation


def switch(op: Operation, closing: Closing | None) -> None:
    """Turn visitors away at every node that answers, after asking, or let them in everywhere.

    Raises:
        Refused: where nothing is behind an ingress of ours, or the answer was no.
    """
    manager, nodes = op.context(op.fleet.hosts[0]), op.nodes
    known = maintenance.routes(manager.remote, op.settings, closing.services if closing else ())
    if closing is None:
        turn(op, None, lambda _: turned_away.open_(manager, nodes, op.context, known))
        return
    silent = turned_away.silent(nodes)
    if error := silent.get(manager.name):
        raise error
    notes = tuple(
        f"{name} does not answer: its visitors are not turned away ({why})" for name, why in silent.items()
    )
    for text in notes:
        events.warn(op.emit, text)
    agree(op, closing, *notes)
    there = nodes.only([name for name in nodes.names if name not in silent])
    turn(op, closing, lambda _: turned_away.close(manager, there, op.context, closing, known))


def status(op: Operation, manager: Remote, serving: Release | None) -> None:
    """Say whether visitors are turned away, since when and by whom; and where they are not all the same."""
    at = op.context(manager)
    answer = at.run(note.look(Paths(op.settings.directory).ingress), check=False)
    try:
        if not answer.ok:
            raise OpsError(answer.stderr.strip() or f"exit code {answer.code}")
        found = note.parse(answer.stdout)
    except (ValueError, OpsError) as error:
        events.warn(op.emit, f"Maintenance: whether visitors are turned away is not known: {error}")
        return
    if not found.what:
        return
    events.warn(op.emit, f"Maintenance: {found.what}, since {found.since}")
    if serving:
        for name, why in Ingresses(at, op.nodes, op.context).astray(serving):
            events.warn(op.emit, f"Maintenance: not so on {name}, as far as is known: {why}")
