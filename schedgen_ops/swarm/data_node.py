"""The node of a Swarm that has the data, asked once in a run; who uses the data, stopped for a while."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from schedgen_ops.backup.data_location import used_by
from schedgen_ops.backup.restore import half
from schedgen_ops.backup.restore.holding import Held
from schedgen_ops.backup.restore.run import DATA
from schedgen_ops.commands import swarm_data
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.swarm_data import Holding
from schedgen_ops.errors import CommandFailed, OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, sh
from schedgen_ops.swarm import manager
from schedgen_ops.text import plural

# What is done on a host that has data; it may tell bytes of what it found.
Look = Callable[[HostContext], dict[str, int] | None]
# How long a container may take to end by itself, as far as anybody waits for the answer.
_LONGEST = 1800.0
_STATUS = "`inv status` tells how each service stands."


def ask(settings: Settings) -> Command:
    """Return the command that asks a node what it has of the data."""
    directory, backups = settings.directory, settings.backup.directory
    return swarm_data.holding(Docker(settings.sudo), settings.project, settings.stores, directory, backups)


@dataclass(frozen=True, slots=True)
class Placed:
    """Which nodes have data or backups.

    Attributes:
        written: the settings as the config has them.
        having: what each node has, by the name of its host.
        lost: the hosts that did not answer.
    """

    written: Settings
    having: Mapping[str, Holding]
    lost: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The settings with what nodes were found to hold in place of what hosts of a config say.

        The first host holds what is the manager's alone: the env file and the definition of what serves.
        """
        none = Holding()

        def told(number: int, name: str) -> dict[str, object]:
            found = self.having.get(name, none)
            return {"services": found.runs, "backs_up": number == 0 or found.keeps or bool(found.runs)}

        every = enumerate(self.written.hosts)
        hosts = tuple(host.model_copy(update=told(number, host.name)) for number, host in every)
        return self.written.model_copy(update={"hosts": hosts})

    def node(self) -> str:
        """Return the name of the node where the data is: the database, the objects, or both.

        Raises:
            Refused: where one of them runs on no node, or on several, or each on another one.
        """
        services = self.written.stores
        if not services:
            hint = "`database` and `objects` in the config say what data there is."
            raise Refused("none of these hosts holds anything to back up", hint=hint)
        nodes = {service: self._where(service) for service in services}
        if len({*nodes.values()}) > 1:
            where = ", ".join(f"{service} on {name}" for service, name in nodes.items())
            hint = "A backup is of one node. Say in the compose file that both run on the same one."
            raise Refused(f"the data is on several nodes: {where}", hint=hint)
        return nodes[services[0]]

    def _where(self, service: str) -> str:
        found = [name for name, each in self.having.items() if service in each.runs]
        if len(found) > 1:
            text = f"{service} runs on several nodes: {', '.join(found)}"
            raise Refused(text, hint=f"What is backed up is one container. {_STATUS}")
        if not found:
            silent = f"; {', '.join(self.lost)} did not answer" if self.lost else ""
            raise Refused(
                f"{service} runs on no node of the config{silent}",
                hint=f"{_STATUS} A node that is not in `hosts` of the config is not asked. Where a restore "
                "was cut off, `inv deploy.recover` starts it; `inv emergency.recover` restores all of it.",
            )
        return found[0]


def ready(host: HostContext) -> None:
    """Have the project's directory on a node, of which a deploy needs none there; it holds backups.

    Raises:
        Refused: where it cannot be made.
    """
    directory = host.settings.directory
    try:
        host.run(sh("mkdir", "-p", "--", directory).named("make the project's directory"))
    except CommandFailed as error:
        raise Refused(
            f"{directory}, where backups are kept, cannot be made: {error.detail or error.message}",
            host=host.name,
            hint=f"`sudo install -d -o USER {directory}` there makes it once, for who logs in.",
        ) from error


@dataclass(slots=True)
class Users:
    """The services that use the data: none of them runs while it is exchanged.

    Attributes:
        manager: who is told.
        away: seconds that they were away, once that is known.
    """

    manager: HostContext
    services: tuple[str, ...]
    away: float = 0.0
    _begun: bool = False

    def check(self) -> None:
        """Make sure that they can be stopped.

        Raises:
            Refused: where one is not there, or runs on every node.
        """
        there = {each.service: each for each in manager.seen(self.manager).services}
        for name in self.services:
            if name not in there:
                hint = "`used_by` of `database` and `objects` in the config names those that are stopped."
                raise Refused(f"{name} is no service of the stack", host=self.manager.name, hint=hint)
            if there[name].mode != "replicated":
                text = f"{name} uses the data and runs on every node: it cannot be stopped for a while"
                raise Refused(text, host=self.manager.name)

    def around(self, action: Callable[[], None], data: Fleet, context: ContextOf) -> None:
        """Do something while they are stopped; start them again whatever happens, but on half-exchanged data.

        Then they stay on record as stopped: the way back starts them, or the next deploy or restore.

        Args:
            data: the host of the data.
        """
        clock, whole = self.manager.clock, False
        began = clock.monotonic()
        try:
            self.stop()
            self._begun = True
            action()
            whole = True
        finally:
            if whole or not self._begun or self._is_whole(data, context):
                self._resume(quietly=not whole)
                self.away = clock.monotonic() - began
        if self.services:
            self.manager.say(f"{', '.join(self.services)} stopped for {self.away:.1f}s")

    def _resume(self, *, quietly: bool) -> None:
        """Start them again; a failure of what was done is told of in the first place."""
        try:
            resume(self.manager)
        except OpsError as error:
            if not quietly:
                raise
            self.manager.warn(error.message)

    def stop(self) -> None:
        """Have none of them run; how many there were is noted before."""
        if not self.services:
            return
        settings = self.manager.settings
        command = swarm_data.pause(
            self.manager.docker, settings.project, record(settings), self.services, settings.health.deadline
        )
        self.manager.run(command, settings.health.deadline + _LONGEST)

    def _is_whole(self, data: Fleet, context: ContextOf) -> bool:
        halves = half.not_whole(data, context)
        if halves:
            text = f"What uses the data stays stopped: it may be half exchanged on {', '.join(halves)}"
            self.manager.warn(text)
        return not halves


def users_of(settings: Settings, parts: Collection[str]) -> tuple[str, ...]:
    """Return the services that are stopped while data is exchanged: who uses it, and the object store itself.

    Args:
        parts: database, objects.
    """
    store = [settings.objects.service] if settings.objects and "objects" in parts else []
    return tuple(dict.fromkeys((*used_by(settings, parts), *store)))


def record(settings: Settings) -> str:
    """Return the file on the manager where it is noted what a restore has stopped."""
    return f"{Paths(settings.directory).state}/stopped/services"


def resume(host: HostContext) -> str:
    """Start what a restore has stopped, wait until it runs, and return its names; "" for nothing stopped.

    Args:
        host: the manager.

    Raises:
        OpsError: where it does not run in time.
    """
    settings = host.settings
    limit = settings.health.deadline * 2
    command = swarm_data.resume(host.docker, settings.project, record(settings), limit)
    try:
        said = host.run(command, limit + 120).text
    except CommandFailed as error:
        why = (error.detail.strip().splitlines() or [error.message])[-1]
        raise OpsError(
            f"what uses the data was stopped, and is not well again: {why}", host=host.name, hint=_STATUS
        ) from error
    return said.rpartition("resumed ")[2]


def put_right(host: HostContext, at: HostContext | None, *, starts: bool = True) -> bool:
    """Put back what a killed restore left half exchanged, and start what it had stopped; whether any was.

    Args:
        host: the manager.
        at: the node of the data; None where it is not known, and then nobody who uses it is started.
        starts: whether what was stopped may be started: the data is that which it needs.

    Raises:
        OpsError: where it cannot be put back.
    """
    if at is None:
        return False
    if (text := half.look(at)) is not None:
        half.put_back(at, half.read(at, text))
    if names := resume(host) if starts else "":
        Held(at, DATA).let_go()
        host.warn(f"A restore was cut off while these were stopped, and they were started again: {names}")
    return text is not None or bool(names)


def told(lost: Sequence[str]) -> str:
    """Return in words that nodes were not asked."""
    return f"{plural(len(lost), 'node')} did not answer, and what is there is not known: {', '.join(lost)}"
