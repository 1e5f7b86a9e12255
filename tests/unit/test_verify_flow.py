"""The upload that is followed, on a host that answers from a table; and the form it sends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, context, result
from http_kit import Quiet, serving
from kit import FLOW, bash, recorded, settings

from schedgen_ops.commands import http
from schedgen_ops.fleet import Fleet
from schedgen_ops.verify import flow
from schedgen_ops.watch.rules import Finding

CONFIG = settings("app1")
SAMPLE = FLOW.file.read_bytes()
UPLOAD, JOB = "POST http://localhost:3001/api/upload", "GET http://localhost:3001/api/jobs/j-1"
STEPS = ("flow upload", "flow job", "flow events", "flow clean-up")


def page(body: Any, status: int = 200) -> str:
    return f"HTTP/1.1 {status} X\r\n\r\n{json.dumps(body)}\n\x1e9 \n"


GOOD: dict[Any, Any] = {
    UPLOAD: page({"jobId": "j-1"}, 202),
    "follow the job": page({"status": "completed"}),
    f"{JOB}/events": page([1, 2, 3]),
    JOB: page({}, 404),
    re.compile("psql"): "",
    re.compile("rm -rf"): "",
    "docker inspect": recorded("containers.jsonl"),
}


def tried(**changes: Any) -> tuple[dict[str, Finding], FakeHost]:
    names = {"upload": UPLOAD, "follow": "follow the job", "events": f"{JOB}/events", "job": JOB}
    host = FakeHost(answers=GOOD | {names.get(key, re.compile(key)): value for key, value in changes.items()})
    assert CONFIG.verify.flow
    found = flow.Try(context(host, CONFIG), Fleet([host]), CONFIG.verify.flow)()
    return {finding.check: finding for finding in found}, host


def test_an_upload_is_followed_to_its_end_and_removed() -> None:
    found, host = tried()
    assert {name: str(finding.verdict) for name, finding in found.items()} == dict.fromkeys(STEPS, "passed")
    sql = next(command for command in host.commands if "psql" in command.text)
    assert sql.stdin == "DELETE FROM jobs WHERE id = :'id';\n"
    assert "id=j-1" in sql.text
    assert any("/data/schedules/done/j-1.pdf" in text for text in host.texts)


@pytest.mark.parametrize(
    ("changes", "check", "text"),
    [
        ({"upload": page({"message": "full"}, 507)}, "flow upload", "answered 507 without jobId"),
        ({"upload": page({"jobId": "../x y"})}, "flow upload", "answered 200 without jobId"),
        ({"follow": page({"status": "failed", "error": "no"})}, "flow job", "job j-1 is failed: "),
        (
            {"follow": page({"status": "queued"})},
            "flow job",
            "job j-1 is still 'queued' after 60 s; pdf-worker: schedgen-pdf-worker-1 is healthy",
        ),
        ({"follow": page({}, 500)}, "flow job", "job j-1 is still told of with status 500 after 60 s"),
        ({"events": page([1])}, "flow events", "answered 1 events where the file holds 3"),
        ({"events": page({}, 500)}, "flow events", "answered status 500 and no list"),
        (
            {"psql": result(code=1, stderr="no table")},
            "flow clean-up",
            "of job j-1 there stays: rows: no table",
        ),
        ({"job": page({"id": "j-1"})}, "flow clean-up", "the application still knows job j-1"),
    ],
)
def test_what_goes_wrong_is_named_and_removed_all_the_same(
    changes: dict[str, Any], check: str, text: str
) -> None:
    found, host = tried(**changes)
    assert str(found[check].verdict) == "failed"
    assert text in found[check].text
    assert (len(host.commands) == 1) == (check == "flow upload")
    if check != "flow upload":
        assert any("rm -rf" in text for text in host.texts)


def test_ctrl_c_removes_what_was_uploaded() -> None:
    host = FakeHost(answers=GOOD | {"follow the job": KeyboardInterrupt()})
    assert CONFIG.verify.flow
    with pytest.raises(KeyboardInterrupt):
        flow.Try(context(host, CONFIG), Fleet([host]), CONFIG.verify.flow)()
    assert any("psql" in text for text in host.texts)


def test_nothing_is_uploaded_that_could_not_be_removed() -> None:
    site = ["pdf-worker", "backend", "frontend", "prometheus", "grafana"]
    data = {"name": "data", "address": "d", "services": ["postgres", "redis", "minio"]}
    config = settings(data, {"name": "web", "address": "w", "services": site, "migrates": True})
    host = FakeHost("web")
    assert config.verify.flow
    (found,) = flow.Try(context(host, config), Fleet([host]), config.verify.flow)()
    assert (str(found.verdict), host.commands) == ("unknown", [])
    assert "no chosen host runs minio" in found.text


def test_the_form_is_what_a_browser_would_send() -> None:
    kind, body = flow.multipart(FLOW, SAMPLE, "a.pdf")
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in message.walk()
        if not part.is_multipart()
    }
    assert parts == {"pdfType": b"WEEKLY", "file": SAMPLE}
    assert SAMPLE.startswith(b"%PDF-")


# Requests from this machine to a server of our own


class Handler(Quiet):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"x" * 300_000 if self.path == "/long" else json.dumps({"status": self._status()}).encode()
        self.answer(body)

    def do_POST(self) -> None:
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _status(self) -> str:
        self.server.count += 1  # type: ignore[attr-defined]
        return "queued" if self.server.count < 3 else "completed"  # type: ignore[attr-defined]

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as made:
        made.count = 0  # type: ignore[attr-defined]
        yield f"http://127.0.0.1:{made.server_address[1]}"


def test_a_body_is_sent_and_read_byte_by_byte(server: str, tmp_path: Path) -> None:
    body = b"--x\r\n\x00\xff binary\r\n"
    said = bash(http.post(f"{server}/up", 5, "text/plain", b"words\r\nand more"), tmp_path)
    assert http.parse_reply(said.stdout).body == "words\r\nand more"
    assert http.post(f"{server}/up", 5, "text/plain", body).stdin == body
    got = http.parse_reply(bash(http.fetch(f"{server}/x?y=1", 5), tmp_path).stdout)
    assert (got.status, got.body, got.cut, got.error) == (200, '{"status": "queued"}', False, "")


def test_a_long_body_is_cut_and_nobody_there_is_said(server: str, tmp_path: Path) -> None:
    long = http.parse_reply(bash(http.fetch(f"{server}/long", 5), tmp_path).stdout)
    assert (long.status, long.cut) == (200, True)
    assert 250_000 < len(long.body) <= http.MOST
    none = http.parse_reply(bash(http.fetch("http://127.0.0.1:9/", 5), tmp_path).stdout)
    assert (none.status, none.error) == (0, "no connection to 127.0.0.1 port 9")


def test_a_job_is_followed_until_it_is_done(server: str, tmp_path: Path) -> None:
    wanted = FLOW.model_copy(update={"job": f"{server}/jobs/{{id}}"})
    said = bash(flow.follow(wanted, "7"), tmp_path)
    assert json.loads(http.parse_reply(said.stdout).body) == {"status": "completed"}
