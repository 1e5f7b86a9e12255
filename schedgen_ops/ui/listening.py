"""Listeners that a team's tasks.py adds: each is told every event of a run, beside display, log and journal.

Importing this module imports nothing heavy: tasks.py does so whenever tasks are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from schedgen_ops.events import Event

Listener = Callable[[Event], None]

_listeners: list[Listener] = []


def listen(listener: Listener) -> Listener:
    """Add a function that is told every event of every run: for notifications and the like."""
    _listeners.append(listener)
    return listener


class Listeners:
    """The added listeners of one run.

    Args:
        complain: takes the sentence about one that failed; it is told nothing more.
    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._left = list(_listeners)
        self._ends: list[Callable[[], Iterable[str]]] = []

    def add(self, listener: Listener, end: Callable[[], Iterable[str]]) -> None:
        """Add a listener of this run alone.

        Args:
            end: is called when all is over, and returns what went wrong, in sentences.
        """
        self._left.append(listener)
        self._ends.append(end)

    def close(self) -> Iterator[str]:
        """End those that were added for this run; what they raise is a sentence like theirs."""
        while self._ends:
            end = self._ends.pop(0)
            try:
                yield from end()
            except KeyboardInterrupt:
                yield "Interrupted: nobody waited for what is still on its way"
            except Exception as error:
                yield f"A listener failed at its end ({type(error).__name__}: {error})"

    def handle(self, event: Event) -> None:
        """Tell every listener; what one raises stops no run."""
        for listener in tuple(self._left):
            try:
                listener(event)
            except Exception as error:
                self._left.remove(listener)
                name = getattr(listener, "__name__", "?")
                self._complain(f"The listener {name} failed ({type(error).__name__}: {error})")
