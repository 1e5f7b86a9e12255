"""What a published port speaks: asked of real servers, and what comes of it for the ingress."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from http_kit import Quiet, serving
from kit import bash, minimal

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout import spoken
from schedgen_ops.settings import Settings

WEB = Service("web", "", "/srv/p/web", (), (Port(8443, 443),), 1, "w")
DOOR = "127.0.0.1/8443"
AS_HTTP = ServiceRecord("p-web:r1", "", "d", strategy="ingress", proxies=("web_8443",))
AS_IT_COMES = replace(AS_HTTP, raw=("web_8443",))


class Answering(Quiet):
    """Answers with the status of its class."""

    status = 200

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(self.status)
        self.end_headers()


class Refusing(Answering):
    """Takes every request for a bad one, as a site does that knows another name of its host."""

    status = 400


class Line(socketserver.StreamRequestHandler):
    """A line protocol: what a line holds comes back."""

    def handle(self) -> None:
        """Answer each line."""
        for line in self.rfile:
            self.wfile.write(b"+" + line)


class Greeting(socketserver.StreamRequestHandler):
    """The server speaks first, and hangs up on what it does not know."""

    def handle(self) -> None:
        """Greet."""
        self.wfile.write(b"220 ready\r\n")


class Deaf(socketserver.BaseRequestHandler):
    """Takes a connection and hangs up."""


class Framed(socketserver.StreamRequestHandler):
    """HTTP/2 without TLS: a frame of settings, and no word of HTTP/1."""

    def handle(self) -> None:
        """Answer with an empty SETTINGS frame (RFC 9113, 6.5)."""
        self.rfile.read(1)
        self.wfile.write(b"\0\0\0\4\0\0\0\0\0")


class Secured(ThreadingHTTPServer):
    """A site with TLS of its own, which answers plain HTTP with a status, as nginx and Go's servers do."""

    daemon_threads = True
    context: ssl.SSLContext

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Say what is wrong with plain HTTP; speak TLS else."""
        assert isinstance(request, socket.socket)
        try:
            if request.recv(1, socket.MSG_PEEK) != b"\x16":
                request.recv(65536)
                request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\nthis is an HTTPS port")
            else:
                self.context.wrap_socket(request, server_side=True).close()
        except (OSError, ssl.SSLError):
            pass
        finally:
            self.shutdown_request(request)


class Threads(socketserver.ThreadingTCPServer):
    """A server of connections."""

    daemon_threads = True
    allow_reuse_address = True


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key with its certificate, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    files = ("-keyout", str(folder / "key"), "-out", str(folder / "cert"))
    subprocess.run(["openssl", *made, "-subj", "/CN=t", *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key").read_text() + (folder / "cert").read_text())
    return both


@pytest.fixture(params=["1.2 and later", "1.3 alone"])
def secured(certificate: Path, request: pytest.FixtureRequest) -> Iterator[Secured]:
    """A server of TLS."""
    with serving(Secured(("127.0.0.1", 0), Answering)) as server:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(certificate)
        if request.param == "1.3 alone":
            server.context.minimum_version = ssl.TLSVersion.TLSv1_3
        yield server


def asked(folder: Path, port: int) -> str:
    """What a port was found to speak."""
    door = f"127.0.0.1/{port}"
    return spoken.parse(bash(spoken.command([door]), folder).stdout)[door]


@pytest.mark.parametrize(
    ("handler", "speaks"),
    [
        *((partial(ThreadingHTTPServer, RequestHandlerClass=each), "http") for each in (Answering, Refusing)),
        *((partial(Threads, RequestHandlerClass=each), "tcp") for each in (Line, Greeting, Framed)),
        (partial(Threads, RequestHandlerClass=Deaf), "nothing"),
    ],
)
def test_a_port_is_asked_what_it_speaks(handler: partial[Threads], speaks: str, tmp_path: Path) -> None:
    with serving(handler(("127.0.0.1", 0))) as server:
        assert asked(tmp_path, server.server_address[1]) == speaks


def test_a_server_of_tls_is_known_though_it_answers_plain_http(secured: Secured, tmp_path: Path) -> None:
    assert asked(tmp_path, secured.server_port) == "tls"


def test_where_nobody_listens_nothing_is_spoken(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert asked(tmp_path, free.getsockname()[1]) == "nothing"


# What comes of it


def config(url: str = "", **ingress: list[int]) -> Settings:
    checks = [{"name": "web", "url": url}] if url else []
    return minimal(checks=checks, ingress=ingress)


PLAIN, SECURE = "http://localhost:8443/", "https://localhost:8443/"


@pytest.mark.parametrize(
    ("made", "known", "seen", "http"),
    [
        (config(), None, "http", True),
        (config(SECURE), None, "http", True),
        (config(), None, "tls", False),
        (config(PLAIN), None, "tls", False),
        (config(), None, "tcp", False),
        # Nobody to ask: the config's check is what says it.
        (config(PLAIN), None, "nothing", True),
        (config(SECURE), None, "nothing", False),
        (config(), None, "nothing", False),
        # The release before knows.
        (config(), AS_HTTP, "nothing", True),
        (config(PLAIN), AS_IT_COMES, "nothing", False),
        (config(), AS_IT_COMES, "http", True),
        # The operator knows best.
        (config(http=[8443]), None, "tcp", True),
        (config(PLAIN, tcp=[8443]), AS_HTTP, "http", False),
    ],
)
def test_what_was_seen_decides_whether_it_passes_as_http(
    made: Settings, known: ServiceRecord | None, seen: str, http: bool
) -> None:
    services = {"web": known} if known else {}
    assert spoken.raw([WEB], made, services, {DOOR: seen}) == ({*()} if http else {"web_8443"})


def test_only_what_is_not_known_to_speak_http_is_asked() -> None:
    assert spoken.to_ask([WEB], config(PLAIN), {}) == (DOOR,)
    assert spoken.to_ask([WEB], config(), {"web": AS_IT_COMES}) == (DOOR,)
    assert spoken.to_ask([WEB], config(), {"web": AS_HTTP}) == ()
    assert spoken.to_ask([WEB], config(http=[8443]), {}) == ()
    everywhere = replace(WEB, ports=(Port(8443, 443, "::"),))
    assert spoken.to_ask([everywhere], config(), {}) == ("::1/8443",)
