"""What a host can do, whatever carries the words there: the one contract that capabilities are written to.

`host.Host` implements it over SSH. Nothing here does I/O or imports a library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from schedgen_ops.ends import Ends
from schedgen_ops.shell import Command

CAPTURE_LIMIT = 4 * 1024 * 1024
TAIL = 50


@dataclass(frozen=True, slots=True)
class Result:
    """How a remote command ended: its text, its exit status, and the seconds it took."""

    stdout: str
    stderr: str
    code: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it exited with 0."""
        return self.code == 0

    @property
    def text(self) -> str:
        """Stdout without the white space around it."""
        return self.stdout.strip()

    def lines(self) -> tuple[str, ...]:
        """Return the lines of stdout that hold something."""
        return tuple(line for line in self.stdout.splitlines() if line.strip())


class RemoteProcess(Protocol):
    """A process that stays alive on the host for as long as its stdin stays open."""

    @property
    def first(self) -> str:
        """The first line it printed."""
        ...

    @property
    def code(self) -> int | None:
        """Its exit status; None while it runs, or where none arrived."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as can be seen from here."""
        ...

    def send(self, line: str) -> None:
        """Write one line to its stdin.

        Raises:
            ConnectionLost: when it is no longer there to read.
        """
        ...

    def close(self) -> None:
        """Close its stdin and give it a few seconds to end. Safe to call twice."""
        ...


class Remote(Protocol):
    """One host. Usable from several threads at once; every deadline is in seconds.

    Each method that runs something raises CommandTimedOut when the deadline passed, ConnectionLost when the
    connection died before the outcome was known, and another Unreachable when there was no connection at all.
    """

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    def run(
        self, command: Command, *, deadline: float, check: bool = True, limit: int = CAPTURE_LIMIT
    ) -> Result:
        """Run a command and return all that it printed.

        Args:
            deadline: seconds after which the command is ended, on the host and here.
            check: whether an exit status other than 0 raises.
            limit: bytes of stdout and stderr together to accept.

        Raises:
            CommandFailed: a non-zero exit with `check`, or more output than `limit`.
        """
        ...

    def batch(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        """Run commands one after the other in one round trip; each runs, whatever the others return.

        Raises:
            ValueError: for a command that reads stdin.
        """
        ...

    def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        """Run commands at the same time in one round trip; each runs, whatever the others return.

        One that is not done in `deadline` seconds is ended and raises nothing: its result has exit code 124.

        Raises:
            ValueError: for a command that reads stdin or has a secret.
        """
        ...

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        """Run a command and hand over each line of stdout and stderr as it comes.

        The result keeps the last 50 lines of each. Secrets of the command are masked in every line.
        """
        ...

    def put(self, data: bytes, path: str, *, mode: int = 0o600) -> None:
        """Write a file whole or not at all; its folder must be there."""
        ...

    def get(self, path: str, *, limit: int) -> bytes:
        """Read a file of at most `limit` bytes.

        Raises:
            CommandFailed: when it is not there, or larger.
        """
        ...

    def download(
        self, path: str, sink: Callable[[bytes], object], *, offset: int = 0, deadline: float
    ) -> None:
        """Read a file of any size from byte `offset` on, and hand over its bytes as they come, in order.

        What was handed over before an error is right as far as it goes: a later call may go on behind it.

        Raises:
            CommandFailed: when it is not there.
        """
        ...

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> RemoteProcess:
        """Start a long-lived process and return once it has printed its first line.

        Args:
            deadline: seconds it may live at most, the wait for the first line included.
            on_line: called with each line of stdout and stderr as it comes, the first one included, from a
                thread of its own, and not any more once the process was closed. Without it nobody reads what
                comes after the first line.

        Raises:
            CommandFailed: when it ends before it printed a line.
        """
        ...

    def attach(self, command: Command, ends: Ends) -> int:
        """Run a command as if it ran on this machine, for as long as it likes, and return its exit status.

        Raises:
            ValueError: for a command with secrets, or with a stdin of its own where `ends` have one.
            OSError: what `ends.out` or `ends.err` raised; the command is ended then.
        """
        ...

    def forward(
        self, remote_port: int, local_port: int = 0, failed: Callable[[str], None] | None = None
    ) -> AbstractContextManager[int]:
        """Open a local port that leads to `remote_port` on the host's loopback, while the block lasts.

        A connection that is made after the way was lost finds a new one.

        Args:
            local_port: the one to open, 0 for any that is free.
            failed: is told why a connection that was made here led nowhere, from a thread of its own.

        Raises:
            ConfigError: where the local port cannot be opened.
        """
        ...

    def interrupt(self) -> None:
        """Ask every running command, but no held process, to end: for Ctrl-C. The connection stays usable."""
        ...

    def close(self) -> None:
        """End the connection; what still runs on it raises ConnectionLost."""
        ...
