"""The password of the registry of images: fetched once a run, by a command of the operator's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Lock

from schedgen_ops.commands.registry import Login
from schedgen_ops.secrets.fetch import fetch
from schedgen_ops.settings import Settings
from schedgen_ops.settings.sources import Registry

# What messages call it, as if it were a name of `secrets`.
_NAME = "release.registry.password"


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
    _login: Login | None = None
    _lock: Lock = field(default_factory=Lock)

    def __call__(self) -> Login:
        """Return the credentials.

        Raises:
            Refused: where the command yields no password.
        """
        with self._lock:
            if self._login is None:
                with self.paused() if self.settings.secret_commands.ask else nullcontext():
                    found = fetch(self.settings, {_NAME: self.registry.password})
                password = found.all()[_NAME]
                self.learn((password.reveal(),))
                self._login = Login(self.registry.server, self.registry.user, password)
            return self._login
