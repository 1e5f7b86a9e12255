"""The password of the registry of images: fetched once a run, by a command of the operator's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Lock

from schedgen_ops.commands.registry import Login
from schedgen_ops.secrets.fetch import Fetched, fetch
from schedgen_ops.settings import Settings
from schedgen_ops.settings.sources import Registry

NAME = "release.registry.password"
"""What messages call it, as if it were a name of `secrets`."""


@dataclass(slots=True)
class SignIn:
    """Who signs in to the registry, for all hosts of a run; it is in no env file.

    Attributes:
        learn: takes values that nothing may show from now on.
        paused: draws nothing meanwhile: a command may ask on the terminal.
    """

    settings: Settings
    registry: Registry
    learn: Callable[[Iterable[str]], None]
    paused: Callable[[], AbstractContextManager[None]]
    _fetched: Fetched | None = None
    _lock: Lock = field(default_factory=Lock)

    def fetched(self) -> Fetched:
        """Return what the command yields, by `NAME`, or why not; it runs once."""
        with self._lock:
            if self._fetched is None:
                with self.paused() if self.settings.secret_commands.ask else nullcontext():
                    self._fetched = fetch(self.settings, {NAME: self.registry.password})
                self.learn(value.reveal() for value in self._fetched.values.values())
            return self._fetched

    def __call__(self) -> Login:
        """Return the credentials.

        Raises:
            Refused: where the command yields no password.
        """
        return Login(self.registry.server, self.registry.user, self.fetched().all()[NAME])
