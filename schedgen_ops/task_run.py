"""One run as a task sees it: the environment's settings, its hosts, and the ui to tell and to ask."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from schedgen_ops import host_choice, loading, run_listeners
from schedgen_ops.clock import Clock, SystemClock
from schedgen_ops.errors import ConfigError
from schedgen_ops.events import Emit, Fact, Message, RunFinished, RunStarted
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.text import seconds
from schedgen_ops.ui import open_ui

# A team's tasks.py imports Operation from here for its annotations: that must not cost what a run costs.
if TYPE_CHECKING:
    from schedgen_ops.balancer.run import LoadBalancer
    from schedgen_ops.deploy.build_machine import BuildMachine
    from schedgen_ops.fleet import Fleet
    from schedgen_ops.host_context import HostContext
    from schedgen_ops.lock.patience import Patience
    from schedgen_ops.remote import Remote
    from schedgen_ops.secrets.registry import SignIn
    from schedgen_ops.secrets.vault import Vault
    from schedgen_ops.settings import HostSettings, Settings
    from schedgen_ops.swarm.data_node import Placed
    from schedgen_ops.ui.session import Ui

# What of a Swarm a task works on: its manager, which has the records; every node by itself; or the manager
# and the nodes that have the data and its backups.
MANAGER, NODES, DATA = "manager", "nodes", "data"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """What every task can be told."""

    env: str | None = None
    hosts: str | None = None
    skip: str | None = None
    json: bool = False
    log_level: str = "info"
    yes: bool = False
    wait: str = ""


@dataclass
class Operation:
    """What a task works with. Settings are read, and hosts connected to, when they are first needed.

    Attributes:
        started: when it began, in UTC.
        left_out: why hosts that were chosen are left out, by name.
        placed: which nodes of a Swarm have data, where the settings of the run say that; else None.
    """

    options: Options
    ui: Ui
    clock: Clock = field(default_factory=SystemClock)
    _stack: ExitStack = field(default_factory=ExitStack)

    # What the task works with beside Compose: MANAGER, NODES or DATA of a Swarm; "" for nothing.
    works_on: str = ""

    def __post_init__(self) -> None:
        self.started: datetime = self.clock.now()
        self._began = self.clock.monotonic()
        self.left_out: dict[str, str] = {}
        self.placed: Placed | None = None
        self._begun = False

    @property
    def emit(self) -> Emit:
        """The function that tells the ui of an event."""
        return self.ui.emit

    @property
    def run(self) -> str:
        """The run's name: its start, as DATE_TIME in UTC."""
        return f"{self.started:%Y%m%d_%H%M%S}"

    @cached_property
    def patience(self) -> Patience:
        """How long to wait for a lock that somebody else holds.

        Raises:
            ConfigError: where --wait says no time.
        """
        from schedgen_ops.lock.patience import Patience

        try:
            return Patience(seconds(self.options.wait or "0"), self.clock, self.emit)
        except ValueError:
            text = f"--wait {self.options.wait!r} is no time"
            raise ConfigError(text, hint="For example --wait 90s, 10m or 1h30m.") from None

    @cached_property
    def settings(self) -> Settings:
        """The settings of the environment.

        Raises:
            ConfigError: with every problem of its file; or where the task does not work on a Swarm.
        """
        settings = loading.load(self.options.env, root=Path.cwd())
        if settings.on_swarm and not self.works_on:
            raise _not_on_swarm("this task", settings)
        return settings

    def compose_only(self, what: str) -> None:
        """Refuse what a task can be asked for where Compose runs the services, and not on a Swarm.

        Raises:
            ConfigError: where the environment is one.
        """
        if self.settings.on_swarm:
            raise _not_on_swarm(what, self.settings)

    @cached_property
    def vault(self) -> Vault | None:
        """The secrets that the run fetches and delivers; None where the env file is the hosts' own."""
        if not self.settings.delivered:
            return None
        from schedgen_ops.secrets.vault import Vault

        ui, yes = self.ui, self.options.yes
        agree = partial(ui.confirm, yes=yes)
        return Vault(self.settings, ui.veil.learn, ui.paused, agree)

    @cached_property
    def sign_in(self) -> SignIn | None:
        """Who signs in to registries of images; None where nobody does."""
        registries = self.settings.registries
        if not registries:
            return None
        from schedgen_ops.secrets.registry import SignIn

        return SignIn(self.settings, registries, self.ui.veil.learn, self.ui.paused)

    @cached_property
    def builder(self) -> BuildMachine | None:
        """This machine, where it builds the images; None where hosts do, or nobody does."""
        if not self.settings.built_here:
            return None
        from schedgen_ops.deploy.build_machine import BuildMachine

        return BuildMachine(self.settings)

    @cached_property
    def balancer(self) -> LoadBalancer | None:
        """The load balancer in front of the hosts; None where there is none of ours to tell."""
        section = self.settings.balancer
        if section is None:
            return None
        from schedgen_ops.balancer.run import LoadBalancer

        return LoadBalancer(self.settings, section, self.ui.veil.learn, os.environ, self.ui.paused)

    @property
    def config_folder(self) -> Path:
        """Where the environment's config file is."""
        return loading.files.find_folder(Path.cwd(), os.environ, self.settings.environment)

    @cached_property
    def fleet(self) -> Fleet:
        """The hosts that were chosen, not connected yet.

        Raises:
            ConfigError: for a host that is not in the environment.
        """
        settings = self.settings
        if settings.on_swarm and self.works_on in (MANAGER, DATA):
            if self.options.hosts or self.options.skip:
                raise ConfigError("a Swarm is one: --hosts and --skip mean nothing here")
            return self.nodes if self.works_on == DATA else self.nodes.only(self.nodes.names[:1])
        every = tuple(host.name for host in settings.hosts)
        names = host_choice.chosen(self.options.hosts, self.options.skip, every)
        wanted = host_choice.chosen(self.options.hosts, None, every)
        self.left_out |= {name: "--skip says so" for name in wanted if name not in names}
        return self._connected([host for host in settings.hosts if host.name in names])

    @cached_property
    def nodes(self) -> Fleet:
        """All hosts of the environment, not connected yet; the first is a manager, where they are a Swarm."""
        return self._connected(self.settings.hosts)

    def _connected(self, entries: Sequence[HostSettings]) -> Fleet:
        from schedgen_ops.fleet import Fleet
        from schedgen_ops.host import connect_all

        hosts = connect_all(self.settings, entries, prompt=self.ui.secret)
        for note in getattr(hosts[0], "notes", ()) if hosts else ():
            self.emit(Message("warn", note))
        return self._stack.enter_context(Fleet(hosts, self.emit))

    def leave_out(self) -> Fleet:
        """Leave hosts out that do not answer, where the config says so, and return the others.

        Raises:
            Unreachable: for a host without which nothing can be done, or where none is left.
        """
        settings, fleet = self.settings, self.fleet
        if settings.hosts_down != "skip" or len(fleet) == 1:
            return fleet
        from schedgen_ops.shell import sh

        asked = fleet.each(lambda remote: remote.run(sh("true"), deadline=60))
        needed = {host.name for host in (*settings.migrating_hosts(), *settings.backup_hosts())}
        found = host_choice.down(asked.errors, fleet.names, needed)
        if self._begun:
            self._tell_of(found)
        self.left_out |= found
        self.fleet = fleet.only([name for name in fleet.names if name not in found])
        return self.fleet

    def elsewhere(self, environment: str) -> Operation:
        """The same run's view of another environment: its settings, and all of its hosts.

        Args:
            environment: the name of a file in config/.
        """
        options = replace(self.options, env=environment, hosts=None)
        return Operation(options, self.ui, self.clock, self._stack, self.works_on)

    def on(self, settings: Settings) -> Operation:
        """The same run's view of an environment that no file describes yet."""
        told = Operation(self.options, self.ui, self.clock, self._stack, self.works_on)
        told.settings = settings
        return told

    def context(self, remote: Remote) -> HostContext:
        """Return one of the hosts with what is needed to work there."""
        from schedgen_ops.host_context import HostContext

        records = self.nodes.hosts[0] if self.settings.on_swarm else None
        return HostContext(remote, self.settings, self.clock, self.emit, self.sign_in, records)

    def begin(
        self,
        command: str,
        title: str,
        facts: tuple[tuple[str, str], ...] = (),
        steps: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Open the run's log and journal, and tell what comes."""
        hosts = self.fleet.names
        self.ui.contacts = tuple(f"{one.name}: {one.contact}" for one in self.settings.escalation)
        folder = log_folder(self.settings.environment)
        run_listeners.attach(self.ui, self.settings, self.fleet, self.clock, self._stack, folder)
        self.emit(RunStarted(command, self.run, self.settings.environment, title, hosts, facts, steps))
        self._begun = True
        self._tell_of(self.left_out)
        self._stack.callback(self._tell_left_out)
        if self.settings.notify.to:
            self.emit(Fact("receivers", len(self.settings.notify.to)))

    def titled(self, title: str, host: str) -> str:
        """Return `title`, with the host's name before it where there are several hosts."""
        return title if len(self.fleet) == 1 else ": ".join(filter(None, (host, title)))

    def log_of(self, command: str, run: str) -> str:
        """Return the log that a run left on this machine, "" for none. `run` may be a release's id."""
        from schedgen_ops.ui.journal import run_name

        path = log_folder(self.settings.environment) / f"{run_name(command, run[:15])}.log"
        return str(path) if path.exists() else ""

    def end(self, title: str, message: str = "", facts: tuple[tuple[str, str], ...] = ()) -> None:
        """Say that the run went well: after the fact, never before."""
        seconds = self.clock.monotonic() - self._began
        left, self.left_out = self.left_out, {}
        told = (("Left out", ", ".join(left)),) if left else ()
        self.emit(RunFinished(0, title, seconds, message, facts=(*facts, *told)))

    def _tell_of(self, left_out: Mapping[str, str]) -> None:
        for host, why in left_out.items():
            self.emit(Message("warn", f"{host} is left out: {why}"))

    def _tell_left_out(self) -> None:
        """At the end of a run that failed; one that went well has told it."""
        if self.left_out:
            self.emit(Message("warn", f"left out: {', '.join(self.left_out)}"))


def _not_on_swarm(what: str, settings: Settings) -> ConfigError:
    return ConfigError(
        f"{what} does not work on a Swarm, and {settings.environment} is one",
        hint="docs/limits.md lists what does. Nothing was changed.",
    )


@contextmanager
def opened(options: Options, works_on: str = "") -> Iterator[Operation]:
    """Open an operation; whatever ends it is shown and logged before it goes on to the caller.

    Args:
        works_on: MANAGER, NODES or DATA of a Swarm; "" where it works with Compose alone.
    """
    # An empty name is refused when the settings are read.
    environment = loading.named(options.env or None, os.environ)
    folder = log_folder(environment)
    with (
        INTERRUPTS.installed(),
        _ui(options, folder) as ui,
        INTERRUPTS.answered_by(ui.interject),
        _stack() as stack,
    ):
        yield Operation(options, ui, _stack=stack, works_on=works_on)


def _ui(options: Options, folder: Path) -> Ui:
    try:
        return open_ui(options.json, options.log_level, folder, _estimates(folder))
    except ConfigError as error:
        from schedgen_ops.ui import failure

        failure.show(error)
        raise


@contextmanager
def _stack() -> Iterator[ExitStack]:
    """Closes connections at the end; how the run ended is decided then, whatever signal comes."""
    stack = ExitStack()
    try:
        yield stack
    except BaseException as error:
        with INTERRUPTS.kept():
            # Grafana is told what ended the run while its hosts can still be reached.
            stack.__exit__(type(error), error, error.__traceback__)
        raise
    with INTERRUPTS.kept():
        stack.close()


def log_folder(environment: str) -> Path:
    """Return where runs on an environment leave their logs, on this machine (XDG's place for state)."""
    base = os.environ.get("SCHEDGEN_STATE") or os.environ.get("XDG_STATE_HOME")
    root = Path(base).expanduser() if base else Path.home() / ".local" / "state"
    name = environment if _SAFE_NAME.match(environment) else "unknown"
    return root / "schedgen" / name


def _estimates(folder: Path) -> dict[str, float]:
    # Only a live view has use for them.
    if not sys.stdout.isatty():
        return {}
    from schedgen_ops.ui.journal import journals, step_seconds

    return step_seconds(journals(folder, "deploy", 5))
