"""What tests with an HTTP server of their own share: on loopback, without a word, gone afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TypeVar

Served = TypeVar("Served", bound=TCPServer)


class Quiet(BaseHTTPRequestHandler):
    """A handler that prints nothing of what it is asked."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Holding(ThreadingHTTPServer):
    """A server that can keep whoever asks waiting.

    Attributes:
        open: cleared, it answers nobody until it is set again.
    """

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.open = threading.Event()
        self.open.set()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def shutdown(self) -> None:
        """Let everybody go, and end."""
        self.open.set()
        super().shutdown()

    def handle_error(self, *_: object) -> None:
        """Say nothing: who was kept waiting is gone."""


@contextmanager
def serving(server: Served) -> Iterator[Served]:
    """Serve while the block lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
