"""Whether a Host or Match line of ssh_config holds for a host. What is not understood does not hold."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field

from schedgen_ops.host.ssh_words import Unclear, expand, listed, tokens

# Seconds that the command of a Match exec may take.
_PATIENCE = 10.0
_ALONE = ("all", "final", "canonical")


@dataclass
class MatchQuery:
    """A host that ssh_config is asked about, and what was found so far.

    Attributes:
        original: the host as it was named; `user` and `port` are what the configuration insists on.
        found: what the lines before said.
        settled: whether the tokens in the host's name are replaced already.
        final: whether the files are read a second time, which `Match final` asks for in `wants_final`.
    """

    original: str
    me: str
    user: str = ""
    port: str = ""
    found: dict[str, str | list[str]] = field(default_factory=dict)
    settled: bool = False
    final: bool = False
    wants_final: bool = False

    def text(self, keyword: str, default: str = "") -> str:
        """Return the value of a keyword that has one."""
        value = self.found.get(keyword, default)
        return value if isinstance(value, str) else default

    @property
    def hostname(self) -> str:
        """The name to connect to, as far as it is known by now."""
        named = self.text("hostname")
        if self.settled:
            return named or self.original
        return expand(named, {"h": self.original}, environment=False) if named else self.original

    @property
    def login(self) -> str:
        """The user to log in as, as far as it is known by now."""
        return self.user or self.text("user", self.me)

    @property
    def tokens(self) -> dict[str, str]:
        """What %h and the like stand for, as far as it is known by now."""
        port = self.port or self.text("port", "22")
        return tokens(self.original, self.hostname, self.login, port, self.text("hostkeyalias"))


def host_line(words: list[str], asked: MatchQuery) -> bool:
    """Return whether a Host line with these patterns holds."""
    if not words:
        raise Unclear("Host without a pattern")
    # The second reading is of the host under its new name, as in ssh.
    return listed(words, asked.hostname if asked.final else asked.original)


def match_line(words: list[str], asked: MatchQuery, *, holds: bool = True) -> bool:
    """Return whether a Match line with these criteria holds.

    Args:
        holds: whether what the line stands in does.

    Raises:
        Unclear: for a criterion that is not understood; the line does not hold then.
    """
    if not words:
        raise Unclear("Match without a criterion")
    rest = list(words)
    while rest:
        name, argument = _criterion(rest)
        negated = name.startswith("!")
        name = name.removeprefix("!")
        if name == "all" and (negated or any(word.lower() not in _ALONE for word in words)):
            raise Unclear("Match all does not go together with other criteria")
        # What runs a command does so only where it still matters, as in ssh.
        if not holds and name == "exec":
            continue
        holds = _holds(name, argument, asked) != negated and holds
    return holds


def _criterion(rest: list[str]) -> tuple[str, str]:
    """Take the next criterion and its argument off `rest`: `host prod`, `host=prod` and `host = prod`."""
    name, given, argument = rest.pop(0).partition("=")
    name = name.lower()
    if name.removeprefix("!") in _ALONE:
        return name, ""
    if not given and rest and rest[0].startswith("="):
        argument = rest.pop(0)[1:]
    if not argument and rest:
        argument = rest.pop(0)
    if not argument:
        raise Unclear(f"Match {name} without a value")
    return name, argument


def _holds(name: str, argument: str, asked: MatchQuery) -> bool:
    if name == "all":
        return True
    if name in ("final", "canonical"):
        asked.wants_final = asked.wants_final or name == "final"
        return asked.final
    if name == "exec":
        return _succeeds(expand(argument, asked.tokens, environment=False))
    known = {
        "host": lambda: asked.hostname,
        "originalhost": lambda: asked.original,
        "user": lambda: asked.login,
        "localuser": lambda: asked.me,
        "tagged": lambda: asked.text("tag"),
    }
    if name not in known:
        raise Unclear(f"Match {name} is not understood here")
    return listed(argument.split(","), known[name]())


def _succeeds(command: str) -> bool:
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        ended = subprocess.run(
            [shell, "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Unclear(f"the command of a Match exec did not end: {problem}") from None
    return ended.returncode == 0
