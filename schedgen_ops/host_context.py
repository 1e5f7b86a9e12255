"""A host, and all that whoever works there is handed: one value instead of four arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schedgen_ops import events
from schedgen_ops.clock import Clock
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.registry import Login
from schedgen_ops.remote import Remote, Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command

QUICK = 60.0


@dataclass(frozen=True, slots=True)
class HostContext:
    """A host of a run.

    Attributes:
        remote: the way to it.
        settings: those of the whole environment.
        clock: the time by which what is written there is dated.
        emit: tells the operator.
        sign_in: yields who signs in to the registry of images; None where nobody does.
        records: the way to who has the records of releases; None for the host itself.
    """

    remote: Remote
    settings: Settings
    clock: Clock
    emit: events.Emit
    sign_in: Callable[[], Login] | None = None
    records: Remote | None = None

    @property
    def login(self) -> Login | None:
        """Who signs in to the registry of images.

        Raises:
            Refused: where the password cannot be had.
        """
        return self.sign_in() if self.sign_in else None

    @property
    def name(self) -> str:
        """The name of the host."""
        return self.remote.name

    @property
    def entry(self) -> HostSettings:
        """The host's entry in the configuration."""
        return self.settings.host(self.remote.name)

    @property
    def docker(self) -> Docker:
        """The builder of docker commands."""
        return Docker(self.settings.sudo)

    def run(self, command: Command, deadline: float = QUICK, *, check: bool = True) -> Result:
        """Run a command on the host.

        Args:
            deadline: seconds after which it is ended there.
            check: whether a failure raises.

        Raises:
            CommandFailed: where it fails or is ended, with `check`.
            Unreachable: where the host cannot be asked.
        """
        return self.remote.run(command, deadline=deadline, check=check)

    def in_project(self, command: Command, deadline: float = QUICK) -> Result:
        """Run a command in the project's directory; see `run`."""
        return self.run(command.in_dir(self.settings.directory), deadline)

    def say(self, text: str) -> None:
        """Tell the operator."""
        events.info(self.emit, text, self.remote.name)

    def warn(self, text: str) -> None:
        """Tell the operator of something to look at."""
        events.warn(self.emit, text, self.remote.name)


@dataclass(slots=True)
class AtHost:
    """What a run knows of one host, and the context that it works there with."""

    context: HostContext

    @property
    def remote(self) -> Remote:
        """The way to the host."""
        return self.context.remote

    @property
    def settings(self) -> Settings:
        """The settings of the environment."""
        return self.context.settings

    @property
    def docker(self) -> Docker:
        """The builder of docker commands."""
        return self.context.docker

    def say(self, text: str) -> None:
        """Tell the operator."""
        self.context.say(text)

    def warn(self, text: str) -> None:
        """Tell the operator of something to look at."""
        self.context.warn(text)


# Gives each host of a run its context.
ContextOf = Callable[[Remote], HostContext]
