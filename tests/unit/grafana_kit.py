"""A Grafana as far as annotations go, by its documented HTTP API, and hosts that ask it by a real bash."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from http_kit import Holding, Quiet
from kit import bash
from simulated import SimHost

from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

TOKEN = "glsa_t0ps3cret_1a2b3c4d"


class Grafana(Holding):
    """A real HTTP server on loopback that keeps its annotations.

    Attributes:
        annotations: the bodies, in order.
        status: what it answers in place of a success; 0 for nothing else.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.annotations: list[dict[str, Any]] = []
        self.status = 0


class _Handler(Quiet):
    server: Grafana

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.open.wait()
        if self.server.status:
            return self._answer(self.server.status, {"message": "no"})
        if self.path != "/api/annotations":
            return self._answer(404, {"message": "Not found"})
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._answer(401, {"message": "Invalid API key"})
        if self.headers["Content-Type"] != "application/json":
            return self._answer(400, {"message": "bad request data"})
        self.server.annotations.append(json.loads(body))
        return self._answer(200, {"message": "Annotation added", "id": len(self.server.annotations)})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Asking(SimHost):
    """A simulated host that asks Grafana by a real bash, its secrets where the wire would put them.

    Attributes:
        posts: the commands that did.
    """

    folder: Path
    posts: list[Command]

    def _reply(self, command: Command, deadline: float) -> Result:
        if not command.title.endswith("/api/annotations"):
            return super()._reply(command, deadline)
        # As the hosts' connections: nothing is sent once they were closed.
        assert not self.closed
        self.posts.append(command)
        secrets = {name: value.reveal() for name, value in command.secrets}
        return bash(replace(command, secrets=()), self.folder, **secrets)


def asking(folder: Path, **values: Any) -> Asking:
    """Return such a host; `values` are a SimHost's."""
    host = Asking(**values)
    host.folder, host.posts = folder, []
    return host
