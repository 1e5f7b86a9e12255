"""The lock on one host: taken, kept by signs of life that the host answers, taken again after it was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from schedgen_ops.clock import elapsed
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.lock.remote_commands import KeeperAnswer, parse
from schedgen_ops.remote import Remote, RemoteProcess
from schedgen_ops.shell import Command

_LONGEST = 24 * 3600.0
# Signs of life in a lease: two may get lost.
_SIGNS = 3


class Lease:
    """The lock on `remote`, held by a keeper there for as long as it hears of us.

    Args:
        command, again: take the lock, the first time and later; see `commands.hold`.
        seconds: the longest silence that the keeper bears.
        now: seconds that go on while this machine sleeps.

    Attributes:
        answer: what the host said when it was taken.
        lost: why it is no longer held, once that is known.
    """

    def __init__(
        self,
        remote: Remote,
        command: Command,
        again: Command,
        seconds: float,
        now: Callable[[], float] = elapsed,
    ) -> None:
        self._remote = remote
        self._command, self._again = command, again
        self._seconds = seconds
        self._now = now
        self._news = threading.Condition()
        self._sent: dict[str, float] = {}
        self._count = 0
        self._known = self._taken = 0.0
        self._hold: RemoteProcess | None = None
        self.lost: OpsError | None = None
        self._wake = threading.Event()
        self._over = False
        self.answer = KeeperAnswer("")

    @property
    def name(self) -> str:
        """The name of the host."""
        return self._remote.name

    def take(self) -> KeeperAnswer:
        """Take the lock, if nobody has it.

        Raises:
            OpsError: where the host cannot be asked.
        """
        before = self._now()
        with self._news:
            self._sent.clear()
        command = self._command if self._hold is None else self._again
        self._hold = hold = self._remote.hold(command, deadline=_LONGEST, on_line=self._hear)
        self.answer = parse(hold.first)
        # The keeper began to count after this: its lease ends no earlier than ours.
        self._known, self.lost = before, None
        self._taken = self._now()
        return self.answer

    @property
    def time(self) -> float:
        """The host's time of day in seconds since 1970, reckoned from when it told it; 0 if it did not."""
        return self.answer.at + self._now() - self._taken if self.answer.at else 0.0

    def keep(self) -> None:
        """Send signs of life from now on, in a thread: a host that hangs is in no other's way."""
        threading.Thread(target=self._beat, name=f"lock {self.name}", daemon=True).start()

    def check(self) -> None:
        """Raise unless the host has answered within a lease: until then nobody else can have the lock.

        Raises:
            ConnectionLost: from then on always, until it is taken again.
        """
        if self.lost is None:
            silence = self._now() - self._known
            if self._hold is None or not self._hold.alive:
                self.lose(ConnectionLost("its keeper ended there", host=self.name))
            elif silence > self._seconds:
                text = f"{self.name} has not answered for {silence:.0f}s"
                self.lose(ConnectionLost(text, host=self.name))
        if self.lost is not None:
            raise self.lost

    def lose(self, error: OpsError) -> None:
        """Count the lock as lost."""
        self.lost = self.lost or error

    def asked(self, patience: float) -> bool:
        """Return whether the host says within `patience` seconds that the lock is still ours."""
        with suppress(OpsError):
            self.check()
            asked = self._now()
            self._wake.set()
            with self._news:
                self._news.wait_for(lambda: self._known >= asked or self.lost is not None, patience)
            self.check()
            return self._known >= asked
        return False

    def release(self) -> None:
        """Give the lock back."""
        self._over = True
        self._wake.set()
        if self._hold is not None:
            self._hold.close()

    def leave(self) -> None:
        """End what is left of the lock's keeper, without waiting for a host that does not answer."""
        if self._hold is not None:
            threading.Thread(target=self._hold.close, daemon=True).start()

    def _beat(self) -> None:
        while True:
            self._wake.wait(self._seconds / _SIGNS)
            self._wake.clear()
            if self._over:
                return
            try:
                self._sign()
            except OpsError as error:
                error.host = error.host or self.name
                with self._news:
                    self.lose(error)
                    self._news.notify_all()

    def _sign(self) -> None:
        if self._hold is None or self.lost is not None:
            return
        with self._news:
            self._count += 1
            word = str(self._count)
            self._sent[word] = self._now()
        self._hold.send(word)

    def _hear(self, line: str) -> None:
        """A line from the keeper: what it says back was heard there after it was sent."""
        with self._news:
            sent = self._sent.pop(line.strip(), None)
            if sent is not None:
                self._known = max(self._known, sent)
                self._sent = {word: at for word, at in self._sent.items() if at > sent}
                self._news.notify_all()
