"""Where a secret of a config comes from, as a receiver's URL: a variable, or a command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from schedgen_ops import local_program
from schedgen_ops.errors import ConfigError
from schedgen_ops.shell import Secret


class Source(Protocol):
    """A section of a config that says where a secret comes from: one of these."""

    @property
    def variable(self) -> str | None:
        """The environment variable that holds it."""
        ...

    @property
    def command(self) -> tuple[str, ...] | None:
        """The command that prints it."""
        ...


def address(source: Source, environ: Mapping[str, str], deadline: float) -> Secret:
    """Return the URL of a receiver, or whatever else is secret.

    Args:
        deadline: seconds that its command may take.

    Raises:
        ConfigError: where there is none; the text has nothing that could be one.
    """
    if source.variable is not None:
        url = environ.get(source.variable, "").strip()
        if not url:
            raise ConfigError(f"the variable {source.variable} is not set")
        return Secret(url)
    words = source.command or ()
    url = _printed(words, deadline).strip()
    if not url or "\n" in url:
        raise ConfigError(f"{words[0]} printed {'more than one line' if url else 'nothing'}")
    return Secret(url)


def _printed(words: tuple[str, ...], deadline: float) -> str:
    """What a command prints. It has no terminal to ask on, and goes with all that it started."""
    try:
        ended = local_program.run(words, deadline)
    except OSError as error:
        raise ConfigError(f"{words[0]} could not be started: {error.strerror}") from None
    if len(ended.out) > local_program.MOST:
        raise ConfigError(f"{words[0]} printed more than an address")
    if ended.code is None:
        raise ConfigError(f"{words[0]} gave no answer within {deadline:g} seconds")
    if ended.code:
        raise ConfigError(f"{words[0]} failed with exit code {ended.code}")
    return ended.out.decode(errors="replace")
