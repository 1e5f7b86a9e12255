"""A deploy on simulated hosts, and the truth about how it ended."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import Any

from fakes import FakeClock
from kit import settings
from simulated import Fault, SimHost
from simulated_world import NEW, OLD, World, fresh, image_id

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.events import Event, Message, StepFailed, StepFinished, StepStarted
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock.patience import Patience
from schedgen_ops.lock.remote_commands import Owner

FIRST, SECOND = "20250115_120000", "20250115_130000"
ADOPTED = f"{FIRST}-{OLD[:7]}-adopted"
RELEASE = f"{FIRST}-{NEW[:7]}"

ERROR = Fault(0, 1)
KILLED = Fault(0, 137, after=True)
NEVER_ARRIVES = Fault(0, ConnectionLost)
ANSWER_LOST = Fault(0, ConnectionLost, after=True)
INTERRUPTED = Fault(0, KeyboardInterrupt)
DONE_THEN_INTERRUPTED = Fault(0, KeyboardInterrupt, after=True)
GARBAGE = Fault(0, said="\x00 {]\n", after=True)
OWNER = Owner("ann", "laptop", "2025-01-15T12:00:00Z", "deploy", "v1.2.3")

one = settings("app1")
two = settings("app1", "app2")


@dataclass(frozen=True)
class Outcome:
    """How a deploy ended: its exit code, what an operator is told, and everything that was emitted."""

    code: int
    error: OpsError | None
    events: tuple[Event, ...]
    release: str = ""

    @property
    def failed_step(self) -> str:
        """The title of the step that failed, "" if none did."""
        return next((event.title for event in self.events if isinstance(event, StepFailed)), "")


def deploy(*hosts: SimHost, branch: str = "v1.2.3", run: str = FIRST, wait: float = 0) -> Outcome:
    """Deploys to hosts that are simulated."""
    seen: list[Event] = []
    chosen = two if len(hosts) == 2 else one
    clock = FakeClock()
    patience = Patience(wait, clock, seen.append)
    todo = assemble(Session(chosen, Fleet(hosts), Ref(branch), run, clock, seen.append, OWNER, patience))
    try:
        release = todo()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


@functools.cache
def deployed() -> World:
    """A world in which v1.2.3 was deployed by us."""
    host = SimHost()
    assert deploy(host).code == 0
    return host.world


def start(*, adopted: bool) -> tuple[World, str, str, str]:
    """Where a deploy begins: the world, the branch, the run, and the release that serves if it fails."""
    if adopted:
        return fresh(), "v1.2.3", FIRST, f"{FIRST}-{OLD[:7]}-adopted"
    return deployed(), "v1.2.4", SECOND, f"{FIRST}-{NEW[:7]}"


def _told_in_pairs(outcome: Outcome) -> bool:
    begun = [event.title for event in outcome.events if isinstance(event, StepStarted)]
    ended = [event.title for event in outcome.events if isinstance(event, StepFinished | StepFailed)]
    return sorted(begun) == sorted(ended)


def untruths(host: SimHost, before: World, outcome: Outcome, old: str, run: str, commit: str) -> list[str]:
    """Whatever the exit code says that is not so on the host."""
    world, new, found = host.world, f"{run}-{commit[:7]}", []

    def holds(claim: bool, text: str) -> None:
        if not claim:
            found.append(text)

    state = world.records().get(new, "")
    if outcome.code == 0:
        holds(world.current == new, f"current is {world.current}")
        holds(state == "DONE", f"the record is {state}")
        holds(world.boxes["backend"].image == image_id("backend", commit), "the old backend serves")
        holds(all(box.health == "healthy" for box in world.boxes.values()), "something is not healthy")
        files = world.boxes["prometheus"]
        holds(files.mounts == commit and files.tree in world.trees, "what it mounts is not a release's own")
    elif outcome.code in (3, 7, 8):
        holds(not world.changed, f"changed: {world.changed}")
    elif outcome.code == 4:
        other = [name for name in before.serving if world.serving.get(name) != before.serving[name]]
        holds(world.serving.keys() == before.serving.keys() and not other, f"not as before: {other}")
        holds(world.current in (before.current, old), f"current is {world.current}")
        holds(
            (world.head, world.branch) == (before.head, before.branch),
            f"the work tree is at {world.head[:7]}",
        )
        holds(state in ("", "FAILED"), f"the record is {state}")
        left = [name for name in world.images if name.endswith(f":{new}")]
        holds(not left, f"images are left: {left}")
        left = [tree for tree in world.trees if f"/{new}/" in tree]
        told = any("had for themselves could not be removed" in text for text in messages(outcome, "warn"))
        holds(not left or told, "mounted files are left")
    else:
        holds(outcome.code == 5, f"exit code {outcome.code}")
    if outcome.code in (0, 3, 4, 7):
        holds(not world.unreachable, f"nobody answers for {world.unreachable}")
        holds(not world.standby, f"containers are left of {list(world.standby)}")
        holds(not world.cut, f"out of reach are those of {list(world.cut)}")
    holds(_told_in_pairs(outcome), "a step was begun and its end never told")
    # Whatever happened: what is said to serve was verified, and every image that it needs is there.
    if world.current == new:
        holds(any(text.startswith("GET ") for text in host.asked), "current was written before verification")
    for service, pinned in world.overlays.get(
        f"/srv/schedgen/.schedgen/releases/{world.current}", {}
    ).items():
        holds(pinned["image"] in world.images, f"the image of {service} is gone")
    return found


def commands(*, adopted: bool) -> list[str]:
    world, branch, run, _ = start(adopted=adopted)
    host = SimHost(world=world)
    assert deploy(host, branch=branch, run=run).code == 0
    return host.asked


def place(pattern: str) -> int:
    """How many commands of a first deploy come before the one that matches."""
    places = [number for number, name in enumerate(commands(adopted=True)) if re.search(pattern, name)]
    return places[0]


def failing(
    pattern: str, fault: Fault = ERROR, *, last: bool = False, **behaviour: Any
) -> tuple[SimHost, Outcome]:
    """A first deploy in which the first command that matches, or the last one, goes wrong."""
    count = sum(bool(re.search(pattern, name)) for name in commands(adopted=True))
    fault = replace(fault, named=pattern, at=count - 1 if last else 0)
    host = SimHost(world=replace(fresh(), **behaviour), fault=fault)
    return host, deploy(host)


def steps(outcome: Outcome) -> list[str]:
    return [event.title for event in outcome.events if isinstance(event, StepStarted)]


def messages(outcome: Outcome, level: str = "info") -> list[str]:
    return [event.text for event in outcome.events if isinstance(event, Message) and event.level == level]
