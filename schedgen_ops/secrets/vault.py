"""The secrets of one run: fetched at most once, compared with each host, replaced where that is agreed to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.remote import Remote, Result
from schedgen_ops.secrets import remote_commands
from schedgen_ops.secrets.compare import Difference, compare
from schedgen_ops.secrets.env_file import EnvFile, rendered
from schedgen_ops.secrets.fetch import Fetched, fetch
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_DEADLINE = 60.0
_WORDS = {"edited": "changed by hand since it was delivered", "foreign": "written by hand"}


@dataclass(slots=True)
class Vault:
    """What a run knows of the secrets of its environment.

    Attributes:
        learn: takes values that nothing may show from now on.
        paused: draws nothing meanwhile: a command may ask on the terminal.
        agree: asks the operator a question, with notes to read before.
        found: how each host differs, by its name.
    """

    settings: Settings
    learn: Callable[[Iterable[str]], None]
    paused: Callable[[], AbstractContextManager[None]]
    agree: Callable[..., bool]
    found: dict[str, Difference] = field(default_factory=dict)
    _fetched: Fetched | None = None

    def fetched(self) -> Fetched:
        """Return what the commands yield, or why not; they run once."""
        if self._fetched is None:
            if self.settings.secret_commands.ask:
                with self.paused():
                    self._fetched = fetch(self.settings)
            else:
                self._fetched = fetch(self.settings)
            self.learn(value.reveal() for value in self._fetched.values.values())
        return self._fetched

    def env(self) -> EnvFile:
        """Return the env file.

        Raises:
            Refused: where a command yielded nothing.
        """
        return rendered(self.settings, self.fetched().all())

    def question(self) -> Command:
        """Return the command that asks a host what it has."""
        return remote_commands.look(self.settings)

    def judge(self, host: str, answer: Result) -> Difference:
        """Return how a host differs, and keep it.

        Raises:
            ValueError: where what it answered cannot be read, or is not all.
        """
        if not answer.ok:
            raise ValueError("the host did not tell all of its env file")
        difference = compare(self.env(), remote_commands.parse_held(answer.stdout))
        self.found[host] = difference
        return difference

    def look(self, remote: Remote) -> Difference:
        """Ask a host, and return how it differs."""
        return self.judge(remote.name, remote.run(self.question(), deadline=_DEADLINE))

    def consent(self) -> None:
        """Ask before anything that somebody wrote on a host is replaced.

        Raises:
            Refused: where that is not agreed to, or nobody is there to ask.
        """
        notes = tuple(self._by_hand())
        if not notes:
            return
        file = self.settings.env_file
        hint = f"`inv secrets.diff` compares. Take into the config what was written; --yes replaces {file}."
        try:
            agreed = self.agree(f"Replace {file}?", *notes)
        except ConfigError:
            raise Refused("; ".join(notes), hint=hint) from None
        if not agreed:
            raise Refused("nothing was changed", hint=hint)

    def _by_hand(self) -> Iterator[str]:
        for host, difference in self.found.items():
            if difference.by_hand:
                yield f"{host}: {self.settings.env_file} was {_WORDS[difference.state]}; {difference}"
