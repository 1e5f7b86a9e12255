"""A host in the middle of a deploy: what was found, what is being made, what was touched."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from schedgen_ops import events
from schedgen_ops.clock import Clock
from schedgen_ops.commands import compose as c
from schedgen_ops.commands import docker as engine
from schedgen_ops.deploy.seed import Seed
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError
from schedgen_ops.host_context import QUICK, AtHost
from schedgen_ops.log_excerpt import telling
from schedgen_ops.orchestrators import chosen
from schedgen_ops.orchestrators.contract import Orchestrator
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Result
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.own_files import NOTHING, Own
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.settings import HostSettings
from schedgen_ops.shell import Command


@dataclass(slots=True)
class HostRun(AtHost):
    """One host's share of a deploy.

    Attributes:
        seen: the host as preflight found it.
        old: the release that serves until the new one does; None before the first deploy.
        new: the release being made; None until its commit is known.
        services: what the new release's compose file says.
        touched: services whose containers this deploy replaced, in order.
        backup: the folder of the backup that this deploy made.
        share: percent of the requests that new containers get at first, see `Orchestrator.start_beside`.
        totals: bytes that the parts of the backup will likely come to.
        answering: since when all that comes goes to new containers alone, in seconds on the monotonic clock;
            0.0 before any was replaced.
        righted: what was put right of an interrupted run; begun with what it is called while it is not done.
        built: the services of which an image was built.
        checked: how many checks passed in the verification.
        checking: the seconds that they took.
        alone: the services of which what this deploy replaced is out of reach.
        seed: the backup whose data it begins with, where nothing runs yet; None for none.
        begun: whether its services were begun to be replaced, where hosts are updated one after the other.
        home: whether its own guard has taken the release back.
        judged: whether its guard found the release good, before other hosts got it.
        building: containers of the classic builder, which keeps the one whose step fails.
        own: the files that the new release has for itself.
    """

    seen: Observed
    old: Release | None = None
    new: Release | None = None
    services: tuple[c.Service, ...] = ()
    touched: list[str] = field(default_factory=list)
    backup: str = ""
    share: int = 100
    totals: dict[str, int] = field(default_factory=dict)
    answering: float = 0.0
    righted: str = ""
    built: tuple[str, ...] = ()
    checked: int = 0
    checking: float = 0.0
    alone: tuple[str, ...] = ()
    seed: Seed | None = None
    begun: bool = False
    home: bool = False
    judged: bool = False
    building: list[str] = field(default_factory=list)
    own: Own = NOTHING
    _boxes: tuple[engine.Container, ...] | None = None

    @property
    def clock(self) -> Clock:
        """The host's time."""
        return self.context.clock

    @property
    def host(self) -> HostSettings:
        """The host's entry in the configuration."""
        return self.context.entry

    @property
    def paths(self) -> Paths:
        """The paths of our state on the host."""
        return Paths(self.settings.directory)

    @property
    def orchestrator(self) -> Orchestrator:
        """The builder of the commands that run the services."""
        return chosen(self.settings, classic=self.seen.classic)

    @property
    def commands(self) -> OperationRenderer:
        """The commands that operations are performed with."""
        return OperationRenderer(self.orchestrator, self.settings)

    @property
    def release(self) -> Release:
        """The release being made, once it has a name."""
        if self.new is None:
            raise OpsError("the release has no commit yet", host=self.remote.name)
        return self.new

    @property
    def scope(self) -> tuple[c.Service, ...]:
        """The services of the release that belong on this host."""
        return scope.on(self.services, self.settings, self.host)

    @property
    def before(self) -> frozenset[str]:
        """The services that there were on this host before this run, but jobs."""
        ran = (box.service for box in self.seen.containers if not box.job)
        return frozenset(scope.lasting(self.old.services) if self.old else ran)

    def run(self, command: Command, deadline: float = QUICK) -> Result:
        """Run a command; a failure raises."""
        return self.context.run(command, deadline)

    def in_project(self, command: Command, deadline: float = QUICK) -> Result:
        """Run a command in the project's directory."""
        return self.context.in_project(command, deadline)

    def stream(
        self, command: Command, deadline: float, what: str, look: Callable[[str], None] | None = None
    ) -> None:
        """Run a long command and show its output as it comes.

        Args:
            what: what it does, for the message: "Container build".
            look: takes each line too.

        Raises:
            OpsError: when it failed or ran out of time.
        """
        stream(self.remote, self.context.emit, command, deadline, what, look)

    def containers(self) -> tuple[engine.Container, ...]:
        """Return the project's containers as they have been since this run last changed any."""
        if self._boxes is None:
            listing = self.run(self.orchestrator.containers()).stdout
            self._boxes = engine.parse_containers(listing)
        return self._boxes

    def grace(self, *services: str) -> float:
        """Return the seconds that the containers of these services may take to stop."""
        return engine.grace(box for box in self.containers() if box.service in services)

    def containers_changed(self) -> None:
        """Forget the containers, so that they are asked for again when they are needed next."""
        self._boxes = None

    def show(self, line: str) -> None:
        """Show a line that a remote program printed."""
        self.context.emit(events.Output(line, self.remote.name))


Share = Callable[[HostRun], None]


class Streaming(Protocol):
    """What runs a long command and hands over its lines: a host, or this machine."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def stream(self, command: Command, on_line: Callable[[str], None], *, deadline: float) -> Result:
        """Run a command; see `Remote.stream`."""
        ...


def stream(
    at: Streaming,
    emit: events.Emit,
    command: Command,
    deadline: float,
    what: str,
    look: Callable[[str], None] | None = None,
) -> None:
    """Run a long command and show its output as it comes; see `HostRun.stream`.

    Raises:
        OpsError: when it failed or ran out of time.
    """
    said: deque[str] = deque(maxlen=300)

    def on_line(line: str) -> None:
        said.append(line)
        emit(events.Output(line, at.name))
        if look:
            look(line)

    try:
        at.stream(command, on_line, deadline=deadline)
    except CommandFailed as error:
        late = isinstance(error, CommandTimedOut)
        how = f"timed out after {deadline:g}s" if late else "failed"
        detail = "\n".join(telling(tuple(said)))
        raise OpsError(f"{what} {how}", host=error.host, detail=detail) from error
