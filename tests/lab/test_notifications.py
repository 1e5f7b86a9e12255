"""The team and the operator's own programs told of real deploys."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

Told = list[dict[str, Any]]


@pytest.fixture
def told() -> Iterator[tuple[str, Told]]:
    """A service on loopback: its URL as Apprise writes it, and what it was told."""
    messages: Told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"json://127.0.0.1:{server.server_port}/t0ps3cret", messages
        server.shutdown()
        thread.join()


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    to = [{"name": "team", "variable": "TEAM_URL"}]
    return Operator(lab, tmp_path, (host,)).configure(notify={"to": to, "deadline": 60})


def hook(op: Operator, name: str, body: str) -> Path:
    """Write a hook, which keeps what it is told in a file of its name."""
    folder = op.folder / "config/hooks"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat > {op.folder}/{name}.json\n{body}\n")
    file.chmod(0o755)
    return file


def heard(op: Operator, name: str) -> dict[str, Any]:
    """What a hook was told."""
    return dict(json.loads((op.folder / f"{name}.json").read_text()))


def test_a_deploy_that_a_hook_stops_and_one_that_goes_well(
    op: Operator, host: Box, told: tuple[str, Told]
) -> None:
    url, messages = told
    refusing = hook(op, "pre-backend", "echo 'Error: the queue is not empty'; exit 1")
    for name in ("on-rollback", "post-migrate", "post-deploy"):
        hook(op, name, "")
    failed = op("deploy", "--branch", "v1.2.3", env={"TEAM_URL": url})
    assert failed.code == 4, failed.output
    assert "the hook pre-backend failed with exit code 1" in failed.stderr
    kit.serves(host, "1.2.2")
    assert heard(op, "on-rollback")["step"] == "Hook pre-backend"
    assert heard(op, "post-migrate")["backup"].startswith("backups/pre-deployment-")
    assert not (op.folder / "post-deploy.json").exists()

    refusing.write_text("#!/bin/sh\nexit 0\n")
    went_well = op("deploy", "--branch", "v1.2.3", env={"TEAM_URL": url})
    assert went_well.code == 0, went_well.output
    kit.serves(host, "1.2.3")
    assert heard(op, "post-deploy")["release"] in went_well.output

    assert [message["title"] for message in messages] == [
        "Deployment of v1.2.3 on lab started",
        "Deployment of v1.2.3 on lab failed and was taken back",
        "Deployment of v1.2.3 on lab started",
        "Deployment of v1.2.3 on lab finished",
    ]
    # The first deploy, too: new connections are led past the services while their ports change hands.
    for start in messages[0], messages[2]:
        assert "Expected impact: None (zero-downtime)" in start["message"]
    end = messages[3]["message"]
    assert "requests during the run" in end
    assert "Changes:\n" in end
    assert "t0ps3cret" not in failed.output + went_well.output
