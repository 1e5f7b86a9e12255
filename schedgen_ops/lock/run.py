"""Takes the lock on every host, keeps it alive, gives it back."""

from __future__ import annotations

import getpass
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from schedgen_ops.clock import Clock, stamp
from schedgen_ops.errors import ConnectionLost, LockHeld, OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import commands
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Hold, Remote

_LONGEST = 24 * 3600.0


@dataclass(slots=True)
class Lock:
    """A lock that is held on every host.

    Attributes:
        current: for each host, the release that served when the lock was taken.
        lost: why it is no longer held, once that is known.
    """

    current: Mapping[str, str]
    lost: OpsError | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raises if the lock was lost: somebody else may be at work now.

        Raises:
            ConnectionLost: naming the host.
        """
        if self.lost is not None:
            raise ConnectionLost(f"the lock was lost: {self.lost}", host=self.lost.host)


def myself(clock: Clock, command: str, release: str) -> commands.Owner:
    """The owner that this run is."""
    token = secrets.token_hex(8)
    return commands.Owner(
        getpass.getuser(), socket.gethostname(), stamp(clock.now()), command, release, token
    )


@contextmanager
def held(fleet: Fleet, paths: Paths, owner: commands.Owner, lease: int) -> Iterator[Lock]:
    """Holds the lock on every host for as long as the block lasts.

    Args:
        lease: seconds without a sign of life after which a host frees it.

    Raises:
        LockHeld: if somebody else holds it anywhere; then it is given back everywhere.
    """
    with ExitStack() as stack:
        holds: dict[str, Hold] = {}
        for remote in fleet.hosts:
            hold, answer = _take(remote, paths, owner, lease)
            stack.callback(hold.close)
            if answer.state != "acquired":
                raise _refusal(remote.name, answer)
            holds[remote.name] = hold
        current = {name: commands.parse(hold.first).current for name, hold in holds.items()}
        lock = Lock(current)
        beat = threading.Thread(target=_beat, args=(lock, holds, lease / 3), daemon=True)
        beat.start()
        stack.callback(beat.join, 5)
        stack.callback(lock._stop.set)
        yield lock


def _take(remote: Remote, paths: Paths, owner: commands.Owner, lease: int) -> tuple[Hold, commands.Answer]:
    hold = remote.hold(commands.hold(paths.state, owner, lease), deadline=_LONGEST)
    return hold, commands.parse(hold.first)


def _refusal(host: str, answer: commands.Answer) -> LockHeld:
    return LockHeld(
        f"another run is at work here: {answer.owner or 'its owner is not known'}",
        host=host,
        hint="Wait until it is over. Its lock ends by itself when it dies; `inv deploy.unlock` ends it now.",
    )


def _beat(lock: Lock, holds: Mapping[str, Hold], pause: float) -> None:
    while not lock._stop.wait(pause):
        for host, hold in holds.items():
            try:
                hold.send("")
            except OpsError as error:
                error.host = error.host or host
                lock.lost = error
                return


def unlock(remote: Remote, paths: Paths) -> commands.Owner | None:
    """Ends a lock that is held on `remote` and tells whose it was; None if it was free."""
    answer = commands.parse(remote.run(commands.who(paths.state), deadline=30).stdout)
    if answer.state != "held":
        return None
    remote.run(commands.break_(paths.state), deadline=30)
    return answer.owner or commands.Owner("unknown", "unknown", "", "", "")
