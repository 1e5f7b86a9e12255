"""What a manager tells of containers of a stack that ended, or are not there, and why. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

# One that an operator or an update ends is "shutdown".
_OVER = ("failed", "rejected", "complete")
_ON_ITS_WAY = ("new", "pending", "assigned", "accepted", "ready", "preparing", "starting")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A container of a service, as the Swarm had it run, or tried to.

    Attributes:
        slot: which of the service's containers; 0 where there is one on each node.
        node: the id of its node; "" where it has none yet.
        wanted, state: what it is to do and does, in the Swarm's words.
        age: seconds since that is so.
        why: why it ended, or is not placed; "" where the Swarm says nothing.
        container: its id on the node.
        definition: what it was made from.
        forced: how often its service had been restarted by then.
    """

    service: str
    slot: int
    node: str
    wanted: str
    state: str
    age: float
    why: str
    container: str
    definition: str
    forced: int = 0

    @property
    def failed(self) -> bool:
        """Whether it ended, or never ran, and was to."""
        return self.state in _OVER

    @property
    def ran(self) -> bool:
        """Whether it was more than tried."""
        return self.state != "rejected"

    @property
    def waits(self) -> bool:
        """Whether it is to run, and does not yet."""
        return self.wanted in ("running", "ready") and self.state in _ON_ITS_WAY


@dataclass(frozen=True, slots=True)
class Trouble:
    """The answer of `ask`.

    Attributes:
        attempts: the containers of the stack, those that ended lately among them, the youngest first.
        lacks: for a service what its file names and the Swarm does not have.
        released: the services of the release that serves.
    """

    attempts: tuple[Attempt, ...] = ()
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    released: tuple[str, ...] = ()


def ask(docker: Docker, stack: str, state: str) -> Command:
    """Asks a manager; `parse` reads the answer.

    Args:
        state: our folder of state there.
    """
    title = "look at what ended in the Swarm"
    return host_script("doctor/swarm", title=title, docker=docker.words, stack=stack, state=state)


def parse(stdout: str) -> Trouble:
    """Reads the answer of `ask`.

    Raises:
        ValueError: where it is none.
    """
    items = [json.loads(line) for line in stdout.splitlines() if line.strip()]
    now = next((float(item["now"]) for item in items if "now" in item), None)
    if now is None:
        raise ValueError(f"no answer: {stdout[-100:]!r}")
    attempts = [_attempt(item, now) for item in items if "of" in item]
    lacks: dict[str, tuple[str, ...]] = {}
    for item in (item for item in items if "lacks" in item):
        lacks[item["lacks"]] = (*lacks.get(item["lacks"], ()), item["named"])
    released = tuple(item["released"] for item in items if "released" in item)
    return Trouble(tuple(sorted(attempts, key=lambda one: one.age)), lacks, released)


def _attempt(item: Mapping[str, Any], now: float) -> Attempt:
    # Docker writes nanoseconds, of which no more is of interest than the seconds.
    since = datetime.fromisoformat(f"{item['since'][:19]}+00:00").timestamp()
    return Attempt(
        service=item["of"],
        slot=item["slot"],
        node=item["on"],
        wanted=item["wanted"],
        state=item["is"],
        age=max(0.0, now - since),
        why=" ".join(item["why"].split()),
        container=item["container"],
        definition=item["definition"],
        forced=item["forced"],
    )
