"""Waiting for a lock that somebody else holds, on the host itself: nothing asks again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from schedgen_ops import events
from schedgen_ops.clock import Clock
from schedgen_ops.lock import remote_commands
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.text import duration

# Beside the wait: the connection's own time.
_MARGIN = 30.0


@dataclass(slots=True)
class Patience:
    """How long a run waits for a lock.

    Args:
        seconds: all together, however often the lock goes to somebody else meanwhile; 0 does not wait.

    Attributes:
        waited: seconds so far.
    """

    seconds: float
    clock: Clock
    emit: events.Emit
    waited: float = 0.0

    def wait(self, remote: Remote, paths: Paths, owner: str) -> bool:
        """Wait until the lock of a host is free, and return whether it is.

        Args:
            owner: who holds it, in words.

        Raises:
            OpsError: where the host cannot be asked.
        """
        left = math.ceil(self.seconds - self.waited)
        if left <= 0:
            return False
        text = f"Waiting for the lock, at most {duration(left, tenths=False)}: {owner}"
        events.info(self.emit, text, remote.name)
        began = self.clock.monotonic()
        command = remote_commands.await_free(paths.state, left)
        free = remote.run(command, deadline=left + _MARGIN, check=False).ok
        self.waited += max(self.clock.monotonic() - began, 0.001)
        return free
