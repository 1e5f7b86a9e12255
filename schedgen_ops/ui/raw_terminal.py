"""The operator's own terminal, lent to a program on a host: each key goes there as it is."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_BACK = b"\x1b[?1049l"
# To the other screen, and back from it.
_SCREEN = re.compile(rb"\x1b\[\?(?:1049|1047|47)([hl])")
_LONGEST = len(_BACK)
# Colours, the cursor, the mouse, pasting, the keypad, as they are without a program that set them.
_PLAIN = (
    b"\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l"
    b"\x1b[?2004l\x1b[?1l\x1b>"
)


def has_terminal() -> bool:
    """Return whether stdin and stdout are a terminal: what is typed goes to a program, and is shown."""
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False


class RawTerminal:
    """The terminal in raw mode, made by `raw_terminal`.

    Attributes:
        kind: the value of TERM.
        changed: a descriptor that has something to read when the size is another one.
    """

    def __init__(self, stdin: int, stdout: int, changed: int) -> None:
        self.kind = os.environ.get("TERM") or "dumb"
        self.changed = changed
        self.stdin = stdin
        self._stdout = stdout
        self._away = False
        self._last = b""

    def size(self) -> tuple[int, int]:
        """Return columns and rows; what a terminal has that does not say."""
        try:
            found = os.get_terminal_size(self._stdout)
        except OSError:
            return 80, 24
        return found.columns or 80, found.lines or 24

    def write(self, data: bytes) -> None:
        """Show what the program says, as it is: the terminal is its own."""
        # It comes in pieces of any length.
        seen = self._last + data
        if moves := _SCREEN.findall(seen):
            self._away = moves[-1] == b"h"
        self._last = seen[1 - _LONGEST :]
        while data:
            data = data[os.write(self._stdout, data) :]

    def tidy(self) -> None:
        """Leave the screen of a program that cannot leave it any more, and what else it set."""
        with suppress(OSError):
            os.write(self._stdout, (_BACK if self._away else b"") + _PLAIN)


@contextmanager
def raw_terminal(stdin: int = 0, stdout: int = 1) -> Iterator[RawTerminal]:
    """Put the terminal into raw mode while the block lasts; its settings come back however that ends."""
    ear, bell = os.pipe()
    os.set_blocking(bell, False)

    def changed(_: int, __: FrameType | None) -> None:
        # Nothing but a byte into a pipe: the main thread may hold any lock now.
        with suppress(BlockingIOError):
            os.write(bell, b"w")

    before = termios.tcgetattr(stdin)
    listening = signal.signal(signal.SIGWINCH, changed)
    terminal = RawTerminal(stdin, stdout, ear)
    try:
        tty.setraw(stdin)
        yield terminal
    except BaseException:
        terminal.tidy()
        with suppress(OSError):
            os.write(stdout, b"\r\n")
        raise
    finally:
        with suppress(termios.error):
            termios.tcsetattr(stdin, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, listening)
        os.close(bell)
        os.close(ear)
