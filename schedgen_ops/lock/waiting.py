"""Whether somebody else is at work, asked without taking anything, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from schedgen_ops.errors import LockHeld, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import remote_commands
from schedgen_ops.lock.patience import Patience
from schedgen_ops.lock.remote_commands import KeeperAnswer
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.text import duration

T = TypeVar("T")
_DEADLINE = 30.0


def awaited(fleet: Fleet, paths: Paths, patience: Patience | None) -> bool:
    """Wait until nobody is at work on any host, and return whether anybody was.

    What another run stopped for a moment speaks against nothing once it is over: who has patience looks at
    the hosts afterwards. Without patience nothing is asked; the lock itself refuses then.

    Raises:
        LockHeld: where somebody still is when the patience ends.
    """
    if not patience or not patience.seconds:
        return False
    before = patience.waited
    while found := _at_work_on(fleet, paths):
        remote, answer = found
        if not patience.wait(remote, paths, at_work(answer)):
            raise refusal(remote.name, answer, patience.waited)
    return patience.waited > before


def once_free(look: Callable[[], T], fleet: Fleet, paths: Paths, patience: Patience | None) -> T:
    """Return what `look` sees when nobody is at work; without patience, what it sees at once.

    Raises:
        LockHeld: where somebody still is when the patience ends.
    """
    awaited(fleet, paths, patience)
    try:
        return look()
    except Refused:
        if not patience or not patience.seconds:
            raise
        # It may be for what somebody did who came in between, and who may be gone again by now.
        awaited(fleet, paths, patience)
    return look()


def _at_work_on(fleet: Fleet, paths: Paths) -> tuple[Remote, KeeperAnswer] | None:
    def ask(remote: Remote) -> KeeperAnswer:
        return remote_commands.parse(remote.run(remote_commands.who(paths.state), deadline=_DEADLINE).stdout)

    answers = zip(fleet, fleet.each(ask).values(), strict=True)
    return next(((remote, answer) for remote, answer in answers if answer.state == "held"), None)


def at_work(answer: KeeperAnswer) -> str:
    """Return in words who is at work."""
    return f"another run is at work here: {answer.owner or 'its owner is not known'}"


def refusal(host: str, answer: KeeperAnswer, waited: float) -> LockHeld:
    """Return the refusal of a run while somebody else is at work.

    Args:
        waited: seconds that it waited for them; 0.0 where it did not.
    """
    after = f" (waited {duration(waited, tenths=False)})" if waited else ""
    return LockHeld(
        at_work(answer) + after,
        host=host,
        hint="Wait until it is over: `--wait 10m` does. Its lock ends by itself when it dies; "
        "`inv deploy.unlock` ends it now.",
    )
