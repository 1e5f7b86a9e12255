"""Shell commands as values: built from words, joined, quoted in one place. Pure.

Remote commands are run by bash with `pipefail`, so that a pipe fails when any part of it fails.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

# What every remote program runs under: a host's own locale writes decimals with a comma, and messages in its
# language. Where there is no C.UTF-8, setting it leaves what was before.
LOCALE = (
    "unset LANGUAGE; export LC_ALL=C; { LC_ALL=C.UTF-8; } 2>/dev/null; "
    "schedgen_e=$'\\303\\251'; [ ${#schedgen_e} = 1 ] || LC_ALL=C\n"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


# What a host script can be given.
Value = str | int | float | Sequence[str]


class Secret:
    """A value that is sent to the host and shown nowhere: it prints as ***."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the raw value, for the wire only."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


def quote(word: str) -> str:
    """Return `word` as one word of a POSIX shell, whatever it holds.

    Raises:
        TypeError: for anything but a str, a Secret above all: argv is visible to every user of a host.
        ValueError: for a NUL byte, which no argument can hold.
    """
    if not isinstance(word, str):
        raise TypeError(f"a word of a command is a str, not {type(word).__name__}")
    if "\0" in word:
        raise ValueError("a word of a command cannot hold a NUL byte")
    return shlex.quote(word)


@dataclass(frozen=True, slots=True)
class Command:
    """One shell expression, its words already quoted. Build it with `sh` or `script`.

    Attributes:
        text: the shell text; safe to show, since secrets never enter it.
        secrets: environment variables that reach the remote shell on its stdin.
        stdin: what the command reads after the secrets; None is an empty stdin.
        title: a short name for messages; by default the text itself.
        script: the host script that it runs, "" for any other command.
        values: what that script is given, by name; `words` are its arguments.
        private: whether what it prints on stdout is a configuration or an environment: no message has it.
        shared: what the text begins with, where other commands do so too: of those that run at the same time,
            it is run once. It leaves what it found in variables, and what it prints is no answer.
    """

    text: str
    secrets: tuple[tuple[str, Secret], ...] = ()
    stdin: str | bytes | None = None
    title: str = ""
    private: bool = False
    shared: str = ""
    script: str = ""
    values: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        return self.title or self.text

    def _join(self, operator: str, other: Command) -> Command:
        if other.stdin is not None and self.stdin is not None:
            raise ValueError("two commands that read stdin cannot be joined")
        return Command(
            f"{self._grouped()} {operator} {other._grouped()}",
            (*self.secrets, *other.secrets),
            self.stdin if other.stdin is None else other.stdin,
            private=self.private or other.private,
        )

    def _reworded(self, text: str) -> Command:
        return replace(self, text=text, shared="")

    def _grouped(self) -> str:
        return f"{{ {self.text}; }}"

    def pipe(self, other: Command) -> Command:
        """Return `self | other`."""
        return self._join("|", other)

    def and_then(self, other: Command) -> Command:
        """Return `self && other`."""
        return self._join("&&", other)

    def or_else(self, other: Command) -> Command:
        """Return `self || other`."""
        return self._join("||", other)

    def with_stderr(self) -> Command:
        """Return the command with its stderr joined to stdout."""
        return self._reworded(f"{self._grouped()} 2>&1")

    def quiet(self) -> Command:
        """Return the command without its stderr: for a probe whose failure is an answer."""
        return self._reworded(f"{self._grouped()} 2>/dev/null")

    def in_dir(self, path: str) -> Command:
        """Return the command run in the folder `path`; a missing folder is a failure."""
        return self._reworded(f"cd -- {quote(path)} && {self._grouped()}")

    def with_env(self, name: str, value: str) -> Command:
        """Return the command with a variable that is no secret; it holds for this command only."""
        _check_name(name)
        return self._reworded(f"( export {name}={quote(value)}; {self.text}; )")

    def with_secret(self, name: str, value: Secret) -> Command:
        """Return the command with a variable whose value travels on stdin and is in no argv."""
        _check_name(name)
        if "\0" in value.reveal():
            raise ValueError("an environment variable cannot hold a NUL byte")
        return replace(self, secrets=(*self.secrets, (name, value)))

    def with_stdin(self, data: str | bytes) -> Command:
        """Return the command with `data` on stdin."""
        return replace(self, stdin=data)

    def kept_private(self) -> Command:
        """Return the command marked so that no message shows its output."""
        return replace(self, private=True)

    def named(self, title: str) -> Command:
        """Return the command with a short name for messages."""
        return replace(self, title=title)


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise ValueError(f"not a variable name: {name!r}")


def sh(*argv: str) -> Command:
    """Return the command that runs a program with its arguments, each one word whatever it holds.

    Raises:
        ValueError: without a program.
    """
    if not argv:
        raise ValueError("a command needs a program")
    return Command(" ".join(quote(word) for word in argv))


def assignment(name: str, value: Value) -> str:
    """Return a line of bash that sets a variable, or an array where the value is a list of words.

    Raises:
        ValueError: for a name that no variable can have.
    """
    _check_name(name)
    if isinstance(value, float):
        value = f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, str | int):
        return f"{name}={quote(str(value))}\n"
    return f"{name}=({' '.join(map(quote, value))})\n"


def script(text: str, *words: str, title: str = "") -> Command:
    """Return the command that runs a program in its own bash, named `title` in the host's process list.

    Args:
        text: the program, fixed: values never become part of it.
        words: its own arguments, $1, $2, ...
        title: a short name for messages too.
    """
    argv = ("bash", "-o", "pipefail", "-c", text, title or "schedgen", *words)
    return Command(" ".join(map(quote, argv)), title=title)


def call(functions: str, *words: str, title: str = "") -> Command:
    """Return a call of one of the bash functions that a fixed text defines, by the shell that is there.

    Starting another shell costs more than most answers. Options and traps that it sets are those of whatever
    else the same shell runs: where that matters, it is a `script`.
    """
    return Command(f"{functions}\n{sh(*words).text}", title=title)


def sharing(shared: str, *words: str, functions: str = "", title: str = "") -> Command:
    """Return a call of a bash function behind what other commands begin with too, see `Command.shared`.

    Args:
        functions: fixed text that defines what is called, where what is shared does not.
    """
    shared += "\n"
    return replace(call(shared + functions, *words, title=title), shared=shared)
