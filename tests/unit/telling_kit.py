"""What the tests of notifications share: a service that receives, and a config that tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Service(ThreadingHTTPServer):
    """A real HTTP server on loopback that keeps what it is sent.

    Attributes:
        told: the messages, in order.
        status: what it answers.
        open: cleared, it answers nobody until it is set again.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, Any]] = []
        self.status = 200
        self.open = threading.Event()
        self.open.set()

    @property
    def url(self) -> str:
        """Its URL as Apprise writes it, with a token in the path that nobody may see."""
        return f"json://127.0.0.1:{self.server_port}/t0ps3cret"

    @property
    def titles(self) -> list[str]:
        """The titles of what it was told."""
        return [str(message["title"]) for message in self.told]


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.open.wait()
        self.server.told.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Service]:
    """Serve while the block lasts."""
    service = Service()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.open.set()
        service.shutdown()
        thread.join()
        service.server_close()
