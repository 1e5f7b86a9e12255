"""A command whose streams are those of this machine: a terminal, or pipes."""

from __future__ import annotations

import os
import secrets
import select
from contextlib import suppress
from threading import Thread
from time import monotonic
from types import TracebackType

from paramiko import Channel

from schedgen_ops import wire
from schedgen_ops.ends import Ends
from schedgen_ops.host import channel as channels
from schedgen_ops.host import failures
from schedgen_ops.host.capture import Bytes
from schedgen_ops.host.channel_pool import ChannelPool
from schedgen_ops.shell import Command

# Nobody sits there for longer.
_LONGEST = 7 * 86400.0
_CHUNK = 32 * 1024
_LEAVING = 0.5
_STATUS_SECONDS = 5.0


def attach(pool: ChannelPool, host: str, command: Command, ends: Ends) -> int:
    """Run a command on these ends and return its exit status; see `Remote.attach`."""
    if command.secrets or (command.stdin is not None and (ends.stdin is not None or ends.window is not None)):
        raise ValueError("a command on a terminal or a pipe has neither secrets nor a stdin of its own")
    nonce = secrets.token_hex(8)
    if ends.window is not None:
        request = wire.on_terminal(command, nonce)
        return pool.converse(
            command, nonce, lambda channel, until: _talk(channel, request, ends, until), _LONGEST
        )
    request = wire.single(command, deadline=_LONGEST, nonce=nonce, held=ends.stdin is not None)
    out, err = (Bytes(wire.start_mark(nonce), sink) for sink in (ends.out, ends.err))
    marked = Ends(out.out, err.out, ends.stdin)
    code = pool.converse(
        command, nonce, lambda channel, until: _talk(channel, request, marked, until), _LONGEST
    )
    if not out.begun:
        raise failures.never_ran(command, host, bytes(out.before + err.before), code)
    return code


def _talk(channel: Channel, request: wire.Request, ends: Ends, until: float) -> int | None:
    if ends.window is not None:
        columns, rows = ends.window.size()
        channel.get_pty(ends.window.kind, columns, rows)
    channel.exec_command(request.line)
    if ends.stdin is not None:
        channel.sendall(request.stdin)
    elif request.stdin:
        channels.feed(channel, request.stdin)
    with _Feeder(channel, ends):
        channels.pump(channel, ends.out, ends.err, until)
        # Its streams may end before it does.
        while not channel.status_event.wait(_STATUS_SECONDS) and monotonic() < until:
            pass
    return channels.exit_status(channel)


class _Feeder:
    """A thread that sends what is typed or piped in, and the window's new sizes, while the block lasts.

    Output is read meanwhile: a command that nobody reads from reads nothing either.
    """

    def __init__(self, channel: Channel, ends: Ends) -> None:
        self._channel = channel
        self._ends = ends
        self._ear, self._bell = os.pipe()
        self._thread = Thread(target=self._feed, name="stdin", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that goes on reading would take what is typed for whoever comes next.
        os.close(self._bell)
        self._thread.join(_LEAVING)

    def _feed(self) -> None:
        stdin, window = self._ends.stdin, self._ends.window
        changed = -1 if window is None else window.changed
        watched = {self._ear, *((stdin,) if stdin is not None else ()), *((changed,) if window else ())}
        with suppress(*channels.BROKEN):
            while self._ear not in (ready := select.select(watched, [], [])[0]):
                if window is not None and changed in ready:
                    os.read(changed, _CHUNK)
                    self._channel.resize_pty(*window.size())
                if stdin is not None and stdin in ready and not self._send(stdin):
                    watched.remove(stdin)
        os.close(self._ear)

    def _send(self, stdin: int) -> bool:
        """Send what there is; whether there may be more."""
        data = b""
        with suppress(OSError):
            data = os.read(stdin, _CHUNK)
        if data:
            self._channel.sendall(data)
        else:
            self._channel.shutdown_write()
        return bool(data)
