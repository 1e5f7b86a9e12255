"""What the tests of notifications share: a service that receives, and a config that tells it."""

from __future__ import annotations

import json
from typing import Any

from http_kit import Holding, Quiet


class Service(Holding):
    """A real HTTP server on loopback that keeps what it is sent.

    Attributes:
        told: the messages, in order.
        status: what it answers.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.told: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        """Its URL as Apprise writes it, with a token in the path that nobody may see."""
        return f"json://127.0.0.1:{self.server_port}/t0ps3cret"

    @property
    def titles(self) -> list[str]:
        """The titles of what it was told."""
        return [str(message["title"]) for message in self.told]


class _Handler(Quiet):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.open.wait()
        self.server.told.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()
