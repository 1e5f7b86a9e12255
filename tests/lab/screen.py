"""A terminal with a command line in it, for a test that types and reads as an operator does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from box import ROOT

INV = (sys.executable, "-m", "invoke", "--search-root", str(ROOT))
# Its settings before and after, and how the program ended, for whoever reads the files.
# Ctrl-C is for the program.
_LEADER = 'trap : INT; stty -g > before; "$@"; echo $? > code; stty -g > after; echo it is over; read -r _'


class Screen:
    """A terminal of 100 columns and 30 rows with `inv WORDS` in it."""

    def __init__(self, folder: Path, env: dict[str, str], *words: str) -> None:
        self.folder = folder
        self.seen = ""
        self.master, slave = pty.openpty()
        self.resize(100, 30)
        # A terminal that closes hangs up, also where the tests were started deaf to that.
        line = ["env", "--default-signal=HUP", "setsid", "--ctty", "sh", "-c", _LEADER, "sh", *INV, *words]
        self.process = subprocess.Popen(
            line,
            cwd=folder,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, pattern: str, seconds: float = 20.0) -> re.Match[str]:
        """What fits the pattern, once it is shown; what was before it is not looked at again."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            if not select.select([self.master], [], [], max(0.0, end - time.monotonic()))[0]:
                pytest.fail(f"no {pattern!r} in {self.seen!r}")
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.seen = self.seen[found.end() :]
        return found

    def program(self) -> int:
        """The process of `inv`."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def code(self) -> int:
        """How `inv` ended; its terminal is then as it was before."""
        self.until("it is over")
        assert (self.folder / "after").read_text() == (self.folder / "before").read_text()
        return int((self.folder / "code").read_text())

    def close(self) -> None:
        os.close(self.master)
        self.process.wait(20)
