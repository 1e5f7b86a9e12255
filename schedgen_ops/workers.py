"""Threads that act on hosts. What an interrupt leaves running is waited for, and then sends nothing more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Thread, current_thread
from weakref import WeakSet

from schedgen_ops.errors import ConnectionLost


class Worker(Thread):
    """A thread, and whose work it does a part of; daemonic, so that it keeps no process alive."""

    def __init__(self, work: Callable[[], None], name: str = "") -> None:
        super().__init__(target=work, name=name or None, daemon=True)
        self.parent = current_thread()
        self.stopped = False


_left: WeakSet[Worker] = WeakSet()


def leave(workers: Iterable[Worker]) -> None:
    """Note that nobody waits for these threads any more: their step was interrupted."""
    for worker in workers:
        # One that did not begin yet may still do so.
        worker.stopped = not worker.is_alive()
        _left.add(worker)


def left_behind() -> tuple[Worker, ...]:
    """Return the threads that nobody waits for and that still run."""
    return tuple(worker for worker in _left if worker.is_alive())


def is_left() -> bool:
    """Return whether nobody waits any more for what this thread does."""
    return any(worker in _left for worker in _line())


def check() -> None:
    """Raise in a thread that was stopped, or that does a part of a stopped one's work.

    Raises:
        ConnectionLost: always there.
    """
    if any(worker.stopped for worker in _line()):
        raise ConnectionLost("its step was interrupted, and what it did may be taken back by now")


def _line() -> Iterator[Worker]:
    """This thread, and those whose work it does a part of."""
    at = current_thread()
    while isinstance(at, Worker):
        yield at
        at = at.parent
