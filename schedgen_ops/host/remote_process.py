"""A process that lives on the host for as long as this side keeps its stdin open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from time import monotonic

from paramiko import Channel

from schedgen_ops import wire
from schedgen_ops.command_errors import brief
from schedgen_ops.errors import CommandFailed, CommandTimedOut, ConnectionLost
from schedgen_ops.host import channel as channels
from schedgen_ops.host.capture import Lines
from schedgen_ops.masking import mask
from schedgen_ops.shell import Command

_PATIENCE = 5.0


class SshProcess:
    """A remote process, made by `Host.hold`.

    Args:
        mark: what stands before its output.
        until: the moment of the monotonic clock at which to give up waiting for a line.
        kill: ends it on the host.
        on_line: takes its lines; a thread reads them once there was a first one.

    Raises:
        CommandFailed: when it ended, or `until` came, before it printed a line.
    """

    def __init__(
        self,
        host: str,
        command: Command,
        channel: Channel,
        *,
        mark: bytes,
        until: float,
        kill: Callable[[], None],
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self._host = host
        self._command = command
        self._channel = channel
        self._kill = kill
        self._lines = Lines(command, mark, on_line or (lambda _: None))
        self.first = self._first_line(until)
        self._reader: Thread | None = None
        if on_line is not None:
            self._reader = Thread(target=self._read, args=(until,), name="held", daemon=True)
            self._reader.start()

    @property
    def code(self) -> int | None:
        """Its exit status; None while it runs, or where none arrived."""
        return channels.exit_status(self._channel)

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as can be seen from here."""
        return not self._channel.closed and not self._channel.exit_status_ready()

    def send(self, line: str) -> None:
        """Write one line to its stdin."""
        try:
            self._channel.sendall(line.encode() + b"\n")
        except channels.BROKEN as problem:
            raise ConnectionLost(
                f"`{brief(self._command)}` on {self._host} is no longer there", host=self._host
            ) from problem

    def close(self) -> None:
        """Close its stdin and give it a few seconds to end."""
        with suppress(*channels.BROKEN):
            self._channel.shutdown_write()
        if self.alive and not self._channel.status_event.wait(_PATIENCE):
            self._kill()
        if self._reader is not None:
            self._reader.join(_PATIENCE)
        channels.close(self._channel)

    def _read(self, until: float) -> None:
        with suppress(*channels.BROKEN):
            channels.pump(self._channel, self._lines.out, self._lines.err, until)
        self._lines.finish()

    def _first_line(self, until: float) -> str:
        channels.pump(self._channel, self._lines.out, self._lines.err, until, enough=self._has_line)
        if self._lines.first is None:
            self._channel.status_event.wait(1.0)
            self._lines.finish()
        if self._lines.first is None:
            raise self._failure(monotonic() >= until)
        return self._lines.first

    def _has_line(self) -> bool:
        return self._lines.first is not None

    def _failure(self, late: bool) -> Exception:
        what = f"`{brief(self._command)}`"
        detail = mask(self._command, self._lines.stderr or wire.text(self._lines.banner))
        code = self.code
        if late:
            self._kill()
            return CommandTimedOut(f"{what} said nothing before its deadline", host=self._host, detail=detail)
        if code is None:
            return ConnectionLost(f"the connection was lost while {what} started", host=self._host)
        return CommandFailed(
            f"{what} ended with exit code {code} before it was ready",
            code=code,
            host=self._host,
            detail=detail,
        )
