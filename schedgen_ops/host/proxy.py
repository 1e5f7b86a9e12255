"""A ProxyCommand: a program of the operator's that carries the connection."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile

# Ctrl-C ends what runs on the host, over this very program. What is ignored stays so for what exec starts.
_SHIELD = """trap '' INT HUP; exec "$0" -c "$1" """
_SAID = 2000


class ProxyCommand(socket.socket):
    """The socket that the program at the other end reads and writes.

    Args:
        command: for the operator's shell, as ssh gives it to it.
    """

    def __init__(self, command: str) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours.family, ours.type, ours.proto, fileno=ours.detach())
        self._said = TemporaryFile()  # noqa: SIM115  # for as long as the program runs
        shell = os.environ.get("SHELL") or "/bin/sh"
        with theirs:
            self._program = subprocess.Popen(
                ["/bin/sh", "-c", _SHIELD, shell, f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._said,
            )

    def words(self) -> str:
        """Return the last that the program said on its standard error, and how it ended if it did."""
        with suppress(subprocess.TimeoutExpired):
            self._program.wait(0.2)
        size = os.fstat(self._said.fileno()).st_size
        said = os.pread(self._said.fileno(), _SAID, max(0, size - _SAID)).decode(errors="replace").strip()
        code = self._program.poll()
        return "\n".join(filter(None, (said, "" if code is None else f"it ended with exit code {code}")))

    def close(self) -> None:
        """End the connection, and the program with it."""
        super().close()
        if self._program.poll() is None:
            self._program.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._program.wait(1.0)
