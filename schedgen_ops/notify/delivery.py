"""Messages on their way: a thread for each receiver, so that no receiver delays a run or another one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from schedgen_ops.errors import OpsError
from schedgen_ops.notify.addresses import address
from schedgen_ops.notify.notice import Notice
from schedgen_ops.settings.notify import Receiver
from schedgen_ops.shell import Secret
from schedgen_ops.text import plural

Send = Callable[[Secret, Notice], None]


def by_apprise(url: Secret, notice: Notice) -> None:
    """Send by Apprise, which is imported now."""
    from schedgen_ops.notify.apprise_service import send

    send(url, notice)


@dataclass(slots=True)
class Outbox:
    """A receiver, and what waits for it; its thread begins with the first message.

    Attributes:
        posted: all its messages, in their order.
        ended: for each that is over, in the same order, why it failed; "" where it arrived.
    """

    receiver: Receiver
    environ: Mapping[str, str]
    deadline: float
    send: Send
    waiting: SimpleQueue[Notice | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread | None = None
    posted: list[Notice] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def post(self, notice: Notice) -> None:
        """Send a message after those that wait."""
        if self.thread is None:
            name = f"telling {self.receiver.name}"
            self.thread = threading.Thread(target=self._work, name=name, daemon=True)
            self.thread.start()
        self.posted.append(notice)
        self.waiting.put(notice)

    def complaint(self) -> str:
        """Return what went wrong, in a sentence; "" for nothing."""
        left = len(self.posted) - len(self.ended)
        failures = [why for why in self.ended if why]
        return self._untold(failures[-1]) if failures else self._late(left) if left else ""

    def complaint_of(self, notice: Notice) -> str:
        """Return what went wrong with one of its messages, in a sentence; "" for nothing."""
        at = next(i for i, one in enumerate(self.posted) if one is notice)
        if at >= len(self.ended):
            return self._late(1)
        return self._untold(self.ended[at]) if self.ended[at] else ""

    def _untold(self, why: str) -> str:
        return f"{self.receiver.name} was not told: {why}"

    def _late(self, count: int) -> str:
        return self._untold(f"{plural(count, 'message')} not delivered in {self.deadline:g} seconds")

    def _work(self) -> None:
        url: Secret | None = None
        while (notice := self.waiting.get()) is not None:
            why = ""
            try:
                url = url or address(self.receiver, self.environ, self.deadline)
                self.send(url, notice)
            except OpsError as error:
                why = error.message or "its service did not say why"
            except Exception as error:
                # Its text could have the address in it.
                why = f"unexpected {type(error).__name__}"
            self.ended.append(why)


class Delivery:
    """What is sent to all receivers of a run.

    Args:
        deadline: seconds that `finish` waits, for all of them together.
    """

    def __init__(
        self,
        receivers: Sequence[Receiver],
        environ: Mapping[str, str],
        deadline: float,
        send: Send = by_apprise,
    ) -> None:
        self._lines = tuple(Outbox(receiver, environ, deadline, send) for receiver in receivers)
        self._deadline = deadline

    def post(self, notice: Notice) -> None:
        """Send a message to whoever wants to have it; returns at once."""
        for line in self._lines:
            if not notice.occasions or notice.occasions & {*line.receiver.on}:
                line.post(notice)

    def finish(self) -> dict[str, str]:
        """Wait for what is on its way, and return for each receiver what went wrong, "" for nothing."""
        end = time.monotonic() + self._deadline
        for line in self._lines:
            line.waiting.put(None)
        for line in self._lines:
            if line.thread:
                line.thread.join(max(0.0, end - time.monotonic()))
        return {line.receiver.name: line.complaint() for line in self._lines}

    def sent(self, notice: Notice) -> dict[str, str]:
        """Return for each whom a message was sent to what went wrong, "" for nothing; after `finish`."""
        lines = (line for line in self._lines if any(one is notice for one in line.posted))
        return {line.receiver.name: line.complaint_of(notice) for line in lines}
