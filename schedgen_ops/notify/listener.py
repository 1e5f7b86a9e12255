"""The listener of a run's events that tells the team."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from schedgen_ops.events import Event, RunFinished
from schedgen_ops.notify.delivery import Delivery
from schedgen_ops.notify.notice import Notice, Surroundings, beginning, ending
from schedgen_ops.notify.run_summary import RunSummary


class Notifier:
    """Makes messages of events, and hands them to whoever delivers them.

    Args:
        now: the time, with its zone.
        usual: seconds that earlier runs of a command took; 0.0 where there was none.
        log: the path of the run's log; "" for none.
    """

    def __init__(
        self,
        delivery: Delivery,
        around: Surroundings,
        now: Callable[[], datetime],
        usual: Callable[[str], float],
        log: Callable[[], str],
    ) -> None:
        self._delivery = delivery
        self._around = around
        self._now = now
        self._usual = usual
        self._log = log
        self._run = RunSummary()
        self._start: Notice | None = None
        self._end: Notice | None = None

    def handle(self, event: Event) -> None:
        """Take an event, and send what the team is to know of it."""
        self._run = self._run.after(event)
        if isinstance(event, RunFinished):
            self._ended(event)
        elif self._run.begins and self._start is None:
            self._start = beginning(self._run, self._around, self._now(), self._usual(self._run.command))
            self._delivery.post(self._start)

    def _ended(self, event: RunFinished) -> None:
        if self._run.announced or (self._run.backs_up and event.code):
            self._end = ending(self._run, self._around, event, self._log())
            self._delivery.post(self._end)

    def close(self) -> tuple[str, ...]:
        """Wait for what is on its way, no longer than the deadline; return what went wrong."""
        return tuple(filter(None, self._delivery.finish().values()))

    def sent(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what went wrong, by receiver, with the message of the start and with that of the end."""
        start, end = (self._delivery.sent(one) if one else {} for one in (self._start, self._end))
        return start, end
