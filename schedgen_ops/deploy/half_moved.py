"""A move from Compose to a Swarm that was interrupted in its gap: what Compose ran may be stopped."""

from __future__ import annotations

from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import Refused
from schedgen_ops.release.record import Release


def begun(host_run: HostRun) -> tuple[Release, ...]:
    """Return the moves that were interrupted after they had begun to stop what Compose ran."""
    return tuple(each for each in host_run.seen.shelf.unfinished if each.moves and each.reached)


def refuse(host_run: HostRun, hint: str) -> None:
    """Refuse to go on over such a move.

    Args:
        hint: how it is put right.

    Raises:
        Refused: where there is one.
    """
    if found := begun(host_run):
        ids = ", ".join(each.id for each in found)
        raise Refused(f"the move to a Swarm was interrupted: {ids}", host=host_run.remote.name, hint=hint)
