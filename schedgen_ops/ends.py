"""What the streams of a remote command lead to on this machine, where it runs as if it ran here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Window(Protocol):
    """The terminal on this machine that a remote command is shown on."""

    @property
    def kind(self) -> str:
        """What it understands: the value of TERM."""
        ...

    @property
    def changed(self) -> int:
        """A descriptor that has something to read whenever the size is another one."""
        ...

    def size(self) -> tuple[int, int]:
        """Return its columns and its rows."""
        ...


@dataclass(frozen=True, slots=True)
class Ends:
    """What the streams of a remote command lead to on this machine.

    Attributes:
        out: takes the bytes of stdout as they come; with a window, those of stderr too.
        err: takes the bytes of stderr.
        stdin: the descriptor that the command reads; None for an empty stdin.
        window: the terminal; None for plain pipes.
    """

    out: Callable[[bytes], None]
    err: Callable[[bytes], None]
    stdin: int | None = None
    window: Window | None = None
