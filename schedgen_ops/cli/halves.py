"""Half-exchanged data asked for on every host that may hold some, whichever hosts were chosen."""

from __future__ import annotations

from schedgen_ops.backup.restore import half
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.task_run import Operation


def refuse(op: Operation, fleet: Fleet) -> None:
    """Refuse to touch hosts while data is half exchanged there, or anywhere in the environment.

    Raises:
        Refused: where it is.
        OpsError: where one of these hosts does not answer.
    """
    half.refuse(fleet, op.context)
    refuse_beside(op, fleet)


def refuse_beside(op: Operation, fleet: Fleet) -> None:
    """Refuse to start anybody while data is half exchanged on a host beside these.

    One that does not answer is a warning: it may have been left out since it is gone.

    Raises:
        Refused: where it is.
    """
    others = _others(op, fleet)
    found = others.each(lambda remote: half.refuse(others.only((remote.name,)), op.context))
    for name, error in found.errors.items():
        if isinstance(error, Refused):
            raise error
        op.context(others[name]).warn(f"Whether data is half exchanged here is not known: {error}")


def _others(op: Operation, fleet: Fleet) -> Fleet:
    """The other hosts that hold data."""
    settings = op.settings
    others = [host for host in settings.hosts if host.name not in fleet.names]
    names = [host.name for host in others if any(map(host.runs, settings.stores))]
    if settings.on_swarm:
        return op.nodes.only(names)
    everywhere = op if {*names} <= {*op.fleet.names} else op.elsewhere(settings.environment)
    return everywhere.fleet.only(names)
