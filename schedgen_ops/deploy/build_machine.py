"""This machine, where it builds the images: its engine, looked at once, and a folder for a while."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from schedgen_ops.errors import CommandFailed
from schedgen_ops.preflight import local_engine
from schedgen_ops.preflight.local_engine import LocalEngine
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.this_machine import ThisMachine

_QUICK = 60.0


@dataclass(slots=True)
class BuildMachine:
    """What a run knows of this machine, whose engine builds for its hosts.

    Attributes:
        building: containers of the classic builder, which keeps the one whose step fails.
        whole: whether what was built is on all hosts.
    """

    settings: Settings
    machine: ThisMachine = field(default_factory=ThisMachine)
    building: list[str] = field(default_factory=list)
    whole: bool = False
    _engine: LocalEngine | None = None
    _folder: TemporaryDirectory[str] | None = None

    def engine(self) -> LocalEngine:
        """Return what there is to build with; it is asked once."""
        if self._engine is None:
            asked = local_engine.commands(tempfile.gettempdir())
            answers = {name: self._answer(command) for name, command in asked.items()}
            self._engine = local_engine.read(self.settings, answers)
        return self._engine

    def run(self, command: Command, deadline: float = _QUICK, *, check: bool = True) -> Result:
        """Run a command here; see `ThisMachine.run`."""
        return self.machine.run(command, deadline=deadline, check=check)

    def _answer(self, command: Command) -> Result:
        try:
            return self.run(command, check=False)
        except CommandFailed as error:
            # A client that waits for an engine that hangs is no error of ours.
            return Result("", error.message, error.code or 124, 0.0)

    @property
    def folder(self) -> Path:
        """A folder for this user alone; it is there until `clear`."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="schedgen-", ignore_cleanup_errors=True)
        return Path(self._folder.name)

    def clear(self) -> None:
        """Remove the folder and all that is in it."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def interrupt(self) -> None:
        """Ask all that runs here for the run to end."""
        self.machine.interrupt()
