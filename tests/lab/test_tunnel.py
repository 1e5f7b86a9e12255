"""Dashboards through a real sshd: over a connection that was lost, to a port where nobody listens."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sshd import free_port, sshd

from schedgen_ops.errors import ConfigError
from schedgen_ops.monitor.open import opened
from schedgen_ops.settings import Settings


class Page(BaseHTTPRequestHandler):
    """A dashboard of one line."""

    def do_GET(self) -> None:
        body = b"dashboard"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def dashboard(port: int = 0) -> Iterator[int]:
    site = ThreadingHTTPServer(("127.0.0.1", port), Page)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site.server_port
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


def page(port: int) -> bytes:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", "/")
        return client.getresponse().read()
    finally:
        client.close()


def boards(*ports: int) -> Settings:
    rows = [{"name": f"board-{n}", "port": port} for n, port in enumerate(ports)]
    values: dict[str, Any] = {"project": "p", "directory": "/srv/p", "dashboards": rows}
    return Settings.model_validate({**values, "hosts": [{"name": "app1", "address": "127.0.0.1"}]})


class Heard:
    """What was said of connections that led nowhere."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.some = threading.Event()

    def __call__(self, host: str, text: str) -> None:
        self.texts.append((host, text))
        self.some.set()


def test_a_lost_connection_is_made_anew_for_the_next_page(tmp_path: Path) -> None:
    heard = Heard()
    with sshd(tmp_path / "sshd") as server, dashboard() as port, ExitStack() as stack:
        (found,) = opened(stack, server.hosts("app1"), boards(port), heard)
        # The dashboard is on this machine too, so its own port is taken here.
        assert found.url != f"http://127.0.0.1:{port}/"
        local = int(found.url.split(":")[2].strip("/"))
        for _ in range(3):
            assert page(local) == b"dashboard"
            server.cut()
        assert page(local) == b"dashboard"
    assert heard.texts == []


def test_a_connection_that_fell_silent_is_given_up_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedgen_ops.host.tunnel._PATIENCE", 1.0)
    with sshd(tmp_path / "sshd") as server, dashboard() as port:
        (host,) = server.hosts("app1", connect_timeout=30)
        with host.forward(port) as local:
            assert page(local) == b"dashboard"
            stopped = server.sessions()
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            try:
                assert page(local) == b"dashboard"
            finally:
                for pid in stopped:
                    os.kill(pid, signal.SIGCONT)


def test_where_nothing_listens_that_is_said_once_and_ends_no_tunnel(tmp_path: Path) -> None:
    heard = Heard()
    # Bound and not listened at: nobody answers there, and it is not free here either, on the same machine.
    with sshd(tmp_path / "sshd") as server, socket.socket() as silent, ExitStack() as stack:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        (found,) = opened(stack, server.hosts("app1"), boards(port), heard)
        local = int(found.url.split(":")[2].strip("/"))
        for _ in range(3):
            with pytest.raises((http.client.HTTPException, OSError)):
                page(local)
        assert heard.some.wait(60)
        assert heard.texts == [("app1", f"board-0 cannot be shown: nothing listens on port {port} there")]
    with sshd(tmp_path / "two") as server:
        (host,) = server.hosts("app1")
        port = free_port()
        with host.forward(port) as local:
            with pytest.raises((http.client.HTTPException, OSError)):
                page(local)
            with dashboard(port):
                assert page(local) == b"dashboard"


def test_an_sshd_that_forwards_nothing_and_one_that_lets_in_no_more_are_said(tmp_path: Path) -> None:
    heard = Heard()
    with (
        sshd(tmp_path / "sshd", "AllowTcpForwarding no") as server,
        dashboard() as port,
        ExitStack() as stack,
    ):
        (found,) = opened(stack, server.hosts("app1"), boards(port), heard)
        with pytest.raises((http.client.HTTPException, OSError)):
            page(int(found.url.split(":")[2].strip("/")))
        assert heard.some.wait(60)
        assert heard.texts[0][1].endswith("its sshd forwards no ports (AllowTcpForwarding)")
        heard.some.clear()
        (server.folder / "authorized_keys").unlink()
        server.cut()
        with pytest.raises((http.client.HTTPException, OSError)):
            page(int(found.url.split(":")[2].strip("/")))
        assert heard.some.wait(60)
        assert "board-0 cannot be shown: " in heard.texts[1][1]
        assert "key" in heard.texts[1][1]


def test_a_port_that_is_taken_here_is_another_one_and_where_it_must_be_that_one_an_error(
    tmp_path: Path,
) -> None:
    with sshd(tmp_path / "sshd") as server, socket.create_server(("127.0.0.1", 0)) as mine:
        taken = mine.getsockname()[1]
        with ExitStack() as stack:
            (found,) = opened(stack, server.hosts("app1"), boards(taken), Heard())
            assert f":{taken}/" not in found.url
        (host,) = server.hosts("app1")
        with (
            pytest.raises(ConfigError, match=f"port {taken} cannot be opened here: Address already in use"),
            host.forward(1, taken),
        ):
            pass


def test_a_closed_tunnel_listens_no_more(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server, dashboard() as port:
        (host,) = server.hosts("app1")
        with host.forward(port) as local:
            assert page(local) == b"dashboard"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", local), timeout=60)
