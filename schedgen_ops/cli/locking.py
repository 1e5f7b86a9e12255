"""The lock of an environment, held while a task changes something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schedgen_ops.errors import LockHeld
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.lock import waiting
from schedgen_ops.release.paths import Paths
from schedgen_ops.task_run import Operation


@contextmanager
def locked(op: Operation, fleet: Fleet, command: str, what: str = "") -> Iterator[lock.HeldLock]:
    """Hold the lock on the hosts of `fleet`; `--wait` says how long others are waited for.

    Args:
        command, what: what others are told that this run does, and with what: "restore", the backup's id.

    Raises:
        LockHeld: where somebody else is at work.
    """
    settings = op.settings
    owner = lock.myself(op.clock, command, what)
    if settings.on_swarm:
        # Whoever else is at work on a Swarm has its manager's.
        fleet = op.nodes.only({op.nodes.names[0], *fleet.names})
    with lock.held(fleet, Paths(settings.directory), owner, settings.lock.lease, op.patience) as held:
        yield held


def awaited(op: Operation, fleet: Fleet | None = None, begun: tuple[str, str] | None = None) -> bool:
    """Wait, where `--wait` says so, until nobody is at work; return whether anybody was.

    What is to be changed is looked at afterwards, or once more.

    Args:
        fleet: where; None for all chosen hosts.
        begun: (command, title) of the run that begins when the time is over: its end is then in the journal,
            and the team hears of it, as where the lock itself is refused.

    Raises:
        LockHeld: where somebody still is when the time is over.
    """
    try:
        return waiting.awaited(
            op.fleet if fleet is None else fleet, Paths(op.settings.directory), op.patience
        )
    except LockHeld:
        if begun:
            op.begin(*begun)
        raise
