"""The passwords of registries of images: fetched once a run, by commands of the operator's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from threading import Lock

from schedgen_ops.commands.registry import Login
from schedgen_ops.secrets.fetch import Fetched, fetch
from schedgen_ops.settings import Settings
from schedgen_ops.settings.secrets import SecretCommand
from schedgen_ops.settings.sources import Registry


@dataclass(slots=True)
class SignIn:
    """Who signs in to registries, for all hosts of a run; it is in no env file.

    Attributes:
        registries: them, by the part of the config that names each; there is one at least.
        learn: takes values that nothing may show from now on.
        paused: draws nothing meanwhile: a command may ask on the terminal.
    """

    settings: Settings
    registries: Mapping[str, Registry]
    learn: Callable[[Iterable[str]], None]
    paused: Callable[[], AbstractContextManager[None]]
    _fetched: Fetched | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def commands(self) -> dict[str, SecretCommand]:
        """The commands, by what messages call them, as if those were names of `secrets`."""
        return {_name(part): each.password for part, each in self.registries.items()}

    def fetched(self) -> Fetched:
        """Return what the commands yield, by their names, or why not; each runs once."""
        with self._lock:
            if self._fetched is None:
                with self.paused() if self.settings.secret_commands.ask else nullcontext():
                    self._fetched = fetch(self.settings, self.commands)
                self.learn(value.reveal() for value in self._fetched.values.values())
            return self._fetched

    def __call__(self) -> Login:
        """Return the credentials.

        Raises:
            Refused: where a command yields no password.
        """
        passwords = self.fetched().all()
        first, *more = (
            Login(each.server, each.user, passwords[_name(part)]) for part, each in self.registries.items()
        )
        return replace(first, more=tuple(more))


def _name(part: str) -> str:
    return f"{part}.password"
