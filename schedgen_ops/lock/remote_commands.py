"""The lock's commands and what they answer. Pure.

A small process on the host, the keeper, holds a kernel lock (flock) for as long as its stdin stays open and a
line arrives at least once in a lease; it says each line back, so that who sent it knows that it was heard. A
holder that ends, is killed, loses its connection or reboots frees it without anybody's help, and no clock is
compared. The kernel's lock is the lock: lock.json only says whose it is, and may be missing on a full disk.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

_TITLE = "schedgen-lock"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds the lock.

    Attributes:
        user, machine: who, and the laptop's name.
        since: RFC 3339, the laptop's clock.
        command: what it runs: deploy, rollback, backup.
        release: what it deploys.
        token: tells one run from another.
    """

    user: str
    machine: str
    since: str
    command: str
    release: str
    token: str = ""

    @property
    def person(self) -> str:
        """Who runs it, as user@laptop."""
        return f"{self.user}@{self.machine}"

    def __str__(self) -> str:
        what = " ".join(filter(None, (self.command, self.release, self.since and f"since {self.since}")))
        return ", ".join(filter(None, (self.person, what)))


@dataclass(frozen=True, slots=True)
class KeeperAnswer:
    """What the host says: acquired (with the release that serves), held (by whom), or free.

    Attributes:
        at: the host's time of day when it was acquired, in seconds since 1970; 0 where it did not say.
        before, mark: when it was acquired the last time before, and now, as the host marks it: who finds its
            own mark `before` knows that nobody else had it meanwhile. "" where that cannot be told.
    """

    state: str
    owner: Owner | None = None
    current: str = ""
    at: int = 0
    before: str = ""
    mark: str = ""


def hold(state: str, owner: Owner, lease: int, *, again: bool = False) -> Command:
    """Return the command that takes the lock and keeps it until `lease` seconds passed in silence.

    Args:
        again: whether it may be ours already, over a connection that died: then it is taken over.
    """
    text = json.dumps(asdict(owner))
    token = owner.token if again else ""
    # By these words others find it in the host's list of processes, and know whose it is.
    words = (state, text)
    return host_script("lock/hold", *words, title=_TITLE, state=state, owner=text, lease=lease, token=token)


def who(state: str) -> Command:
    """Return the command that tells whether the lock is held, and by whom; it changes nothing."""
    return host_script("lock/who", title="schedgen-lock-who", state=state)


def await_free(state: str, seconds: int) -> Command:
    """Return the command that waits until the lock is free; it fails where it is not after `seconds`."""
    return host_script("lock/await_free", title="schedgen-lock-wait", state=state, seconds=seconds)


def break_(state: str) -> Command:
    """Return the command that ends the process that holds the lock, and waits until the lock is free."""
    return host_script("lock/break", title="schedgen-unlock", state=state)


def parse(line: str) -> KeeperAnswer:
    """Read the first line of `hold`, or the answer of `who`."""
    word, _, rest = line.strip().partition(" ")
    if word == "held":
        return KeeperAnswer("held", _owner(rest))
    words = rest.split()
    facts = dict(text.split("=", 1) for text in words if "=" in text)
    at = facts.get("at", "")
    return KeeperAnswer(
        word,
        current=next((text for text in words if "=" not in text), ""),
        at=int(at) if at.isdecimal() else 0,
        before=facts.get("before", ""),
        mark=facts.get("mark", ""),
    )


def _owner(text: str) -> Owner | None:
    try:
        data: dict[str, Any] = json.loads(text)
        names = ("user", "machine", "since", "command", "release", "token")
        return Owner(**{name: str(data.get(name, "")) for name in names})
    except (ValueError, AttributeError):
        return None
