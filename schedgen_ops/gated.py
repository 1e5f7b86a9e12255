"""A host that asks before each command whether it may still be sent: for a run that can lose its lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from schedgen_ops import workers
from schedgen_ops.ends import Ends
from schedgen_ops.remote import CAPTURE_LIMIT, Remote, RemoteProcess, Result
from schedgen_ops.shell import Command


def _open() -> None:
    """Everything may pass."""


class Gated:
    """The host `remote`, with a gate before all that it is asked to do.

    A thread whose step was interrupted does not pass either.

    Attributes:
        remote: the host itself, without a gate.
        gate: raises where nothing may be sent any more.
    """

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.gate: Callable[[], None] = _open

    def _pass(self) -> None:
        workers.check()
        self.gate()

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self.remote.name

    def run(
        self, command: Command, *, deadline: float, check: bool = True, limit: int = CAPTURE_LIMIT
    ) -> Result:
        """See `Remote.run`."""
        self._pass()
        return self.remote.run(command, deadline=deadline, check=check, limit=limit)

    def batch(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        """See `Remote.batch`."""
        self._pass()
        return self.remote.batch(commands, deadline=deadline)

    def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        """See `Remote.together`."""
        self._pass()
        return self.remote.together(commands, deadline=deadline)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        """See `Remote.stream`."""
        self._pass()
        return self.remote.stream(command, on_line, deadline=deadline, check=check)

    def put(self, data: bytes, path: str, *, mode: int = 0o600) -> None:
        """See `Remote.put`."""
        self._pass()
        self.remote.put(data, path, mode=mode)

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Remote.get`."""
        self._pass()
        return self.remote.get(path, limit=limit)

    def download(
        self, path: str, sink: Callable[[bytes], object], *, offset: int = 0, deadline: float
    ) -> None:
        """See `Remote.download`."""
        self._pass()
        self.remote.download(path, sink, offset=offset, deadline=deadline)

    def hold(
        self, command: Command, *, deadline: float, on_line: Callable[[str], None] | None = None
    ) -> RemoteProcess:
        """See `Remote.hold`."""
        self._pass()
        return self.remote.hold(command, deadline=deadline, on_line=on_line)

    def attach(self, command: Command, ends: Ends) -> int:
        """See `Remote.attach`."""
        self._pass()
        return self.remote.attach(command, ends)

    def forward(
        self, remote_port: int, local_port: int = 0, failed: Callable[[str], None] | None = None
    ) -> AbstractContextManager[int]:
        """See `Remote.forward`."""
        self._pass()
        return self.remote.forward(remote_port, local_port, failed)

    def interrupt(self) -> None:
        """See `Remote.interrupt`."""
        self.remote.interrupt()

    def close(self) -> None:
        """See `Remote.close`."""
        self.remote.close()


def gated(remote: Remote) -> Gated:
    """Return `remote` with a gate before it; the same one where it has one."""
    return remote if isinstance(remote, Gated) else Gated(remote)
