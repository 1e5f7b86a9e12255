"""What the lab says: lines that stay, and on a terminal one line that shows what is at work."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from schedgen_ops.ui.terminal import Writer, is_live, printable

BLINK = 0.5
HEARTBEAT = 15.0
ERASE = "\r\x1b[2K"


class LabConsole:
    """The lab's progress. Off a terminal, a step that takes long says every 15 s that it goes on."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._out = Writer(stream or sys.stderr)
        self._live = is_live(self._out.stream, os.environ)
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        with self._lock:
            self._out.text(f"{ERASE if self._live else ''}[lab] {printable(text)}\n")

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show something that takes a while: its title, its last line of output, and how long it took."""
        started, last, over = time.monotonic(), [""], threading.Event()
        if not self._live:
            self.say(f"{title} ...")
        ticker = threading.Thread(target=self._tick, args=(title, started, last, over), daemon=True)
        ticker.start()
        try:
            yield lambda line: last.__setitem__(0, line)
        except BaseException:
            over.set()
            self.say(f"{title}: failed after {time.monotonic() - started:.1f} s")
            raise
        over.set()
        ticker.join()
        self.say(f"{title}: {time.monotonic() - started:.1f} s")

    def _tick(self, title: str, started: float, last: list[str], over: threading.Event) -> None:
        while not over.wait(BLINK if self._live else HEARTBEAT):
            text = f"{title}: {time.monotonic() - started:.0f} s  {printable(last[0])}"
            if not self._live:
                self.say(text)
                continue
            width = shutil.get_terminal_size().columns - 1
            with self._lock:
                if not over.is_set():
                    self._out.text(f"{ERASE}[lab] {text}"[: width + len(ERASE)])
