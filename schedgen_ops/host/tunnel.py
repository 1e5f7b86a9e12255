"""A local port that leads to a port on the host."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any

from paramiko import SSHException, Transport

_CHUNK = 64 * 1024


class Tunnel:
    """Listens on a free port of 127.0.0.1 for as long as the block lasts."""

    def __init__(self, transport: Transport, remote_port: int) -> None:
        self._transport = transport
        self._remote_port = remote_port
        self._listener = socket.create_server(("127.0.0.1", 0))
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
            channel = self._transport.open_channel("direct-tcpip", ("127.0.0.1", self._remote_port), peer)
        except (SSHException, OSError, EOFError):
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
