"""A local port that leads to a port on the host."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any

from paramiko import ChannelException, SSHException, Transport

from schedgen_ops.errors import ConfigError, Unreachable

_CHUNK = 64 * 1024
# Seconds that a host may take to open a connection. One that fell silent says nothing at all: what a laptop
# had before it slept is such a connection.
_PATIENCE = 15.0
# How sshd says no, by the numbers of RFC 4254.
_FORBIDDEN, _REFUSED = 1, 2


class Tunnel:
    """Listens on a port of 127.0.0.1 for as long as the block lasts.

    Args:
        transport: gives the connection, a new one where it was lost.
        local_port: 0 for any that is free.
        failed: is told why a client was led nowhere.

    Raises:
        ConfigError: where the local port is somebody else's, or may not be opened.
    """

    def __init__(
        self,
        transport: Callable[[], Transport],
        remote_port: int,
        local_port: int = 0,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        self._transport = transport
        self._remote_port = remote_port
        self._failed = failed or (lambda _: None)
        try:
            self._listener = socket.create_server(("127.0.0.1", local_port))
        except OSError as error:
            hint = "`ss -ltnp` tells who has it."
            raise ConfigError(
                f"port {local_port} cannot be opened here: {error.strerror}", hint=hint
            ) from None
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
            channel = self._channel(peer)
        except (SSHException, OSError, EOFError, Unreachable) as error:
            # The client sees its connection closed, and not why.
            client.close()
            self._failed(_why(error, self._remote_port))
            return
        self._open += [client, channel]
        Thread(target=copy, args=(channel, client), name="tunnel", daemon=True).start()
        copy(client, channel)

    def _channel(self, peer: tuple[str, int]) -> Any:
        """A way to the port. What was lost unnoticed is noticed here, and found anew."""
        transport = self._transport()
        try:
            return self._on(transport, peer)
        except ChannelException:
            raise
        except (SSHException, OSError, EOFError):
            transport.close()
        return self._on(self._transport(), peer)

    def _on(self, transport: Transport, peer: tuple[str, int]) -> Any:
        there = ("127.0.0.1", self._remote_port)
        return transport.open_channel("direct-tcpip", there, peer, timeout=_PATIENCE)


def _why(error: Exception, port: int) -> str:
    if isinstance(error, ChannelException):
        if error.code == _REFUSED:
            return f"nothing listens on port {port} there"
        if error.code == _FORBIDDEN:
            return "its sshd forwards no ports (AllowTcpForwarding)"
    return getattr(error, "message", "") or str(error) or "the connection was lost"


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
