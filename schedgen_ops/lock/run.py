"""Takes the lock on every host, keeps it, asks for it before anything is taken back, gives it back."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from schedgen_ops.clock import Clock, stamp
from schedgen_ops.errors import ConnectionLost, OpsError, Overruled
from schedgen_ops.fleet import Fleet, at_once
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.lock import remote_commands
from schedgen_ops.lock.lease import Lease
from schedgen_ops.lock.patience import Patience
from schedgen_ops.lock.remote_commands import KeeperAnswer
from schedgen_ops.lock.waiting import at_work, refusal
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.shell import sh

# Seconds that a host has to say that the lock is still ours, before it is asked over a connection of its own.
_PATIENCE = 5.0
# Clocks that differ by less are the same: asking takes as long.
_AGREE = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """The lock of a host, asked for again.

    Attributes:
        answer: what it said; None where it is out of reach.
        lost: it had been lost meanwhile.
        kept: nobody else had it all the same.
    """

    host: str
    answer: KeeperAnswer | None = None
    lost: bool = True
    kept: bool = False


# What speaks against taking anything back on a host where the lock had been lost; "" for nothing.
Judge = Callable[[Found], str]


def unchanged(found: Found, current: str) -> str:
    """Judge for a run that deploys nothing: nobody else may have been at work."""
    if found.answer is None or not found.lost or (found.kept and found.answer.current == current):
        return ""
    return f"somebody else was at work meanwhile; {serves(found.answer.current)}"


def serves(release: str) -> str:
    """Return in words which release `current` names.

    Args:
        release: the id that it names; "" where there is no `current`.
    """
    return f"{release} serves" if release else "no release is said to serve"


class HeldLock:
    """A lock that is held on every host of `fleet`.

    Attributes:
        current: for each host, the release that served when the lock was taken.
    """

    def __init__(self, fleet: Fleet, paths: Paths, leases: Mapping[str, Lease]) -> None:
        self.current = {name: lease.answer.current for name, lease in leases.items()}
        self._fleet = fleet
        self._paths = paths
        self._leases = leases
        self._lost: OpsError | None = None

    @property
    def lost(self) -> OpsError | None:
        """Why the lock is no longer held, once that is known; set, it counts as lost on every host."""
        return self._lost or next(filter(None, (lease.lost for lease in self._leases.values())), None)

    @lost.setter
    def lost(self, error: OpsError | None) -> None:
        self._lost = error

    def check(self, host: str = "") -> None:
        """Raise unless the lock is ours for certain: somebody else may be at work else.

        Args:
            host: the one that matters; "" for every host.

        Raises:
            ConnectionLost: naming the host.
        """
        try:
            if self._lost is not None:
                raise self._lost
            for lease in self._leases.values():
                if host in ("", lease.name):
                    lease.check()
        except OpsError as error:
            raise ConnectionLost(f"the lock was lost: {error.message}", host=error.host or host) from error

    def ahead(self, clock: Clock) -> dict[str, float]:
        """Return by how many seconds each host's clock is ahead; 0 where they agree, or it did not say."""
        now = clock.now().timestamp()
        gaps = {name: lease.time - now if lease.time else 0.0 for name, lease in self._leases.items()}
        return {name: gap if abs(gap) >= _AGREE else 0.0 for name, gap in gaps.items()}

    def regain(self, judge: Judge | None = None) -> None:
        """Make sure that the lock is ours, before anything is taken back: ask every host, take what is free.

        A host that is out of reach stays as it is: `check` goes on to raise for it.

        Raises:
            Overruled: where somebody else has it, or `judge` finds a host where others were at work.
        """
        lost, self._lost = self._lost, None
        if lost is not None:
            for lease in self._leases.values():
                lease.lose(lost)
        found = at_once([partial(self._again, lease) for lease in self._leases.values()])
        held = [one for one in found if one.answer and one.answer.state != "acquired"]
        if held:
            self._lost = Overruled("somebody else has the lock", host=held[0].host)
            raise self._held_by(held[0])
        for one in found:
            reason = judge(one) if judge else unchanged(one, self.current.get(one.host, ""))
            if reason:
                self._lost = Overruled(reason, host=one.host)
                raise Overruled(f"the lock was lost for a while, and {reason}", host=one.host)

    def _again(self, lease: Lease) -> Found:
        mark = lease.answer.mark
        if lease.asked(_PATIENCE):
            return Found(lease.name, KeeperAnswer("acquired"), lost=False, kept=True)
        lease.leave()
        try:
            answer = lease.take()
        except OpsError as error:
            lease.lost = error
            return Found(lease.name)
        return Found(lease.name, answer, kept=bool(mark) and answer.before == mark)

    def _held_by(self, found: Found) -> Overruled:
        """Who holds it, since when, and what serves on that host as far as it says."""
        current = ""
        with suppress(OpsError):
            read = sh("cat", "--", self._paths.current)
            current = self._fleet[found.host].remote.run(read, deadline=30, check=False).text
        owner = found.answer.owner if found.answer else None
        return Overruled(
            f"somebody else is at work: {owner or 'who is not known'}; {serves(current)}",
            host=found.host,
            hint="Wait until that run is over, see `inv deploy.status`; then `inv deploy.recover` takes back "
            "what this one left.",
        )


def myself(clock: Clock, command: str, release: str) -> remote_commands.Owner:
    """Return the owner that this run is."""
    token = secrets.token_hex(8)
    return remote_commands.Owner(
        getpass.getuser(), socket.gethostname(), stamp(clock.now()), command, release, token
    )


@contextmanager
def held(
    fleet: Fleet, paths: Paths, owner: remote_commands.Owner, lease: int, patience: Patience | None = None
) -> Iterator[HeldLock]:
    """Hold the lock on every host for as long as the block lasts; each command asks for it first.

    Args:
        lease: seconds without a sign of life after which a host frees it.
        patience: how long to wait while somebody else holds it; None refuses at once.

    Raises:
        LockHeld: if somebody else holds it anywhere; then it is given back everywhere.
    """
    command, again = (remote_commands.hold(paths.state, owner, lease, again=again) for again in (False, True))
    leases: dict[str, Lease] = {}
    with ExitStack() as stack:
        stack.callback(_release, leases)

        def taken() -> KeeperAnswer | None:
            for host in fleet.hosts:
                leases[host.name] = Lease(host.remote, command, again, lease)
                answer = leases[host.name].take()
                if answer.state != "acquired":
                    return answer
            return None

        while other := taken():
            # Two who wait hold nothing meanwhile, so that neither waits for the other.
            host = next(reversed(leases))
            _release(leases)
            leases.clear()
            if not patience or not patience.wait(fleet[host].remote, paths, at_work(other)):
                raise refusal(host, other, patience.waited if patience else 0.0)
        lock = HeldLock(fleet, paths, leases)
        for each in fleet.hosts:
            leases[each.name].keep()
            stack.callback(setattr, each, "gate", each.gate)
            each.gate = partial(lock.check, each.name)
        yield lock


def _release(leases: Mapping[str, Lease]) -> None:
    """At once: one that does not answer is waited for, and not one after the other."""
    with INTERRUPTS.kept():
        at_once([lease.release for lease in leases.values()])


def unlock(remote: Remote, paths: Paths) -> remote_commands.Owner | None:
    """End a lock that is held on `remote` and tell whose it was; None if it was free."""
    answer = remote_commands.parse(remote.run(remote_commands.who(paths.state), deadline=30).stdout)
    if answer.state != "held":
        return None
    remote.run(remote_commands.break_(paths.state), deadline=30)
    return answer.owner or remote_commands.Owner("unknown", "unknown", "", "", "")
