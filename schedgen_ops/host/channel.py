"""One command on one SSH channel: what goes in, what comes out, when it ended."""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import Any

from paramiko import Channel, SSHException

Sink = Callable[[bytes], None]
# What paramiko raises when the connection or the channel is gone.
BROKEN = (SSHException, OSError, EOFError)
_CHUNK = 256 * 1024
# Fits any pipe: sent at once it cannot block, whatever the command reads.
_INLINE = 32 * 1024
# A process left in the background may keep the streams open long after the command ended.
_LINGER = 1.0


def exchange(channel: Channel, stdin: bytes, out: Sink, err: Sink, until: float) -> int | None:
    """Send stdin, hand over all output as it comes, and return the exit status.

    Args:
        until: the moment of the monotonic clock at which to give up.

    Returns:
        None when no exit status arrived: killed, connection lost, or time was up.
    """
    if stdin:
        feed(channel, stdin)
    pump(channel, out, err, until)
    # Set by an exit status and by the end of the connection.
    channel.status_event.wait(max(0.0, until - monotonic()))
    return exit_status(channel)


def feed(channel: Channel, stdin: bytes) -> None:
    """Send `stdin` and its end; a large one in a thread, so that output is read meanwhile."""
    if len(stdin) <= _INLINE:
        _send(channel, stdin)
    else:
        Thread(target=_send, args=(channel, stdin), name="stdin", daemon=True).start()


def pump(
    channel: Channel, out: Sink, err: Sink, until: float, *, enough: Callable[[], bool] = lambda: False
) -> bool:
    """Hand over output until both streams ended, or it is `enough`; False when `until` came first."""
    wait = _waiter(channel.fileno())
    while True:
        # Looked at before the buffers: what comes before the end of a stream is in them by then.
        ended = bool(channel.eof_received) or channel.closed
        if _move(channel, out, err):
            if enough():
                return True
            continue
        left = until - monotonic()
        if ended or left <= 0:
            return ended
        if not wait(min(left, _LINGER)) and channel.exit_status_ready() and not _move(channel, out, err):
            return True


def close(channel: Channel) -> None:
    """Close a channel, which fails where the connection ended first."""
    with suppress(*BROKEN):
        channel.close()


def quiet(channel: Channel) -> Channel:
    """Return a channel that may be closed after its connection ended, by a thread that would complain."""
    bare: Any = channel
    close = bare.close

    def quietly() -> None:
        with suppress(*BROKEN):
            close()

    bare.close = quietly
    return channel


def exit_status(channel: Channel) -> int | None:
    """Return the exit status, if one arrived."""
    if not channel.exit_status_ready() or channel.exit_status < 0:
        return None
    return channel.exit_status


def _move(channel: Channel, out: Sink, err: Sink) -> bool:
    """Whether there was something to hand over."""
    moved = False
    if channel.recv_ready():
        out(channel.recv(_CHUNK))
        moved = True
    if channel.recv_stderr_ready():
        err(channel.recv_stderr(_CHUNK))
        moved = True
    return moved


def _waiter(descriptor: int) -> Callable[[float], bool]:
    """A function that waits some seconds for output. Poll where there is one: select ends at 1024 files."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return lambda seconds: bool(poll.poll(seconds * 1000))
    return lambda seconds: bool(select.select([descriptor], [], [], seconds)[0])


def _send(channel: Channel, stdin: bytes) -> None:
    # A command that ends before it read all its input is not a failure.
    with suppress(*BROKEN):
        if stdin:
            channel.sendall(stdin)
        channel.shutdown_write()
