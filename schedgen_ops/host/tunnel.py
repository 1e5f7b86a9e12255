"""A local port that leads to a port on the host."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any

from paramiko import SSHException, Transport

from schedgen_ops.errors import Unreachable

_CHUNK = 64 * 1024


class Tunnel:
    """Listens on a port of 127.0.0.1 for as long as the block lasts.

    Args:
        transport: gives the connection, a new one where it was lost.
        local_port: 0 for any that is free.
    """

    def __init__(self, transport: Callable[[], Transport], remote_port: int, local_port: int = 0) -> None:
        self._transport = transport
        self._remote_port = remote_port
        self._listener = socket.create_server(("127.0.0.1", local_port))
        self._open: list[Any] = [self._listener]

    def __enter__(self) -> int:
        Thread(target=self._accept, name="tunnel", daemon=True).start()
        port: int = self._listener.getsockname()[1]
        return port

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            # On Linux only this wakes the thread that waits in accept().
            self._listener.shutdown(socket.SHUT_RDWR)
        for end in self._open:
            with suppress(OSError, EOFError, SSHException):
                end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, peer = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=self._serve, args=(client, peer), name="tunnel", daemon=True).start()

    def _serve(self, client: socket.socket, peer: tuple[str, int]) -> None:
        try:
            there = ("127.0.0.1", self._remote_port)
            channel = self._transport().open_channel("direct-tcpip", there, peer)
        except (SSHException, OSError, EOFError, Unreachable):
            # Nothing listens there: the client sees its connection closed.
            client.close()
            return
        self._open += [client, channel]
        Thread(target=copy, args=(channel, client), name="tunnel", daemon=True).start()
        copy(client, channel)


def copy(source: Any, target: Any) -> None:
    """Hand on what `source` says until it ends, and then its end."""
    with suppress(OSError, EOFError, SSHException):
        while data := source.recv(_CHUNK):
            target.sendall(data)
    with suppress(OSError, EOFError, SSHException):
        if isinstance(target, socket.socket):
            target.shutdown(socket.SHUT_WR)
        else:
            target.shutdown_write()
