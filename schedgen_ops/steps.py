"""A step of a run: what it does, how it is taken back, and how it relates to the others."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

CURRENT: ContextVar[str] = ContextVar("step", default="")
"""The title of the step that this thread is in; "" where it is in none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        number: the runbook's number, "" where it has none.
        run: does it.
        undo: takes back whatever `run` did, also when it stopped halfway; may run twice. None: nothing to do.
        gate: nothing is changed yet: its errors are passed on as they are, with their own exit codes.
        settles: once it ended well, what came before it stays, whatever happens later.
        beside: the steps after it begin while it still runs, up to the first one that `waits`.
        waits: begins when those that run beside have ended well.
        lasting: a gate of which nothing can be taken back: what it did until it failed stays.
        parts: the titles of what it does in turn, where each is a step of its own in other runs.
        stays: what Ctrl-C asks before it ends the step; other signals do not end it. "" lets any end it.
    """

    number: str
    title: str
    run: Callable[[], None]
    undo: Callable[[], None] | None = None
    gate: bool = False
    settles: bool = False
    beside: bool = False
    waits: bool = False
    lasting: bool = False
    parts: tuple[str, ...] = ()
    stays: str = ""

    @property
    def titles(self) -> tuple[str, ...]:
        """By what others find their place before it or after it."""
        return (self.title, *self.parts)
