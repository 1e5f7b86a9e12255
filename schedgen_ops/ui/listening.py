"""Listeners that a team's tasks.py adds: each is told every event of a run, beside display, log and journal.

Importing this module imports nothing heavy: tasks.py does so whenever tasks are listed.
"""

from __future__ import annotations

from collections.abc import Callable

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

    def handle(self, event: Event) -> None:
        """Tell every listener; what one raises stops no run."""
        for listener in tuple(self._left):
            try:
                listener(event)
            except Exception as error:
                self._left.remove(listener)
                name = getattr(listener, "__name__", "?")
                self._complain(f"The listener {name} failed ({type(error).__name__}: {error})")
