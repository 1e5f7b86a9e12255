"""What a host is called that takes connections and says nothing, whichever deadline notices it."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import paramiko
import pytest
from paramiko import Channel
from sshd import Sshd, free_port, sshd

from schedgen_ops.errors import CommandTimedOut, Unreachable
from schedgen_ops.host import Host
from schedgen_ops.shell import sh


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def says_up(host: Host) -> bool:
    return host.run(sh("echo", "up"), deadline=10).text == "up"


@contextmanager
def listener(greeting: bytes) -> Iterator[int]:
    """A port that takes connections, says this, and is silent from then on."""
    server = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                taken.append(server.accept()[0])
            except OSError:
                return
            taken[-1].sendall(greeting)

    serving = Thread(target=serve, daemon=True)
    serving.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        for end in (server, *taken):
            end.close()
        serving.join()


NOTHING = "accepts connections and gives no SSH greeting within 1 s"


@pytest.mark.parametrize(
    ("way", "greeting", "why"),
    [
        ("", b"", NOTHING),
        ("ProxyCommand ssh -F {config} -W %h:%p gate", b"", NOTHING),
        ("ProxyJump gate", b"", NOTHING),
        ("", b"SSH-2.0-OpenSSH_9.2\r\n", "fell silent: no keys exchanged within 1 s"),
        ("", b"220 mail ESMTP\r\n", "is no SSH server: it says '220 mail ESMTP'"),
    ],
)
def test_a_host_that_takes_connections_and_is_silent_is_told_in_one_way(
    server: Sshd, tmp_path: Path, way: str, greeting: bytes, why: str
) -> None:
    config = tmp_path / "config"
    with listener(greeting) as port:
        config.write_text(
            f"Host silent\n  HostName 127.0.0.1\n  Port {port}\n  {way.format(config=config)}\n"
            f"Host gate\n  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {server.key}\n"
            f"Host *\n  UserKnownHostsFile {server.known_hosts}\n"
        )
        names = [f"app{number}" for number in range(4)]
        options: dict[str, Any] = {"connect_timeout": 1, "config_file": str(config)}
        hosts = server.hosts(*names, address="silent", port=None, **options)
        with ThreadPoolExecutor(len(names)) as pool:
            said = list(pool.map(failure_of, hosts))
    assert {message.partition(f" port {port} ")[2] for message in said} == {why}


def failure_of(host: Host) -> str:
    with pytest.raises(Unreachable) as caught:
        host.open()
    return caught.value.message


def test_of_several_addresses_all_are_tried_within_one_deadline(
    server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (1, 2)]
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: dead + list(real(*args)))
    assert says_up(server.host())


def test_of_several_failures_the_one_that_says_most_is_told(
    server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    nowhere = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("255.255.255.255", 22))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [nowhere, *real(*args), nowhere])
    with pytest.raises(Unreachable, match="refuses connections on port"):
        server.host(port=free_port()).open()


class Asleep(paramiko.ServerInterface):
    """A server that thinks about every key for as long as it takes."""

    def __init__(self) -> None:
        self.awake = Event()

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.awake.wait(30)
        return paramiko.AUTH_FAILED  # type: ignore[attr-defined, no-any-return]


def test_a_silent_login_is_not_a_refused_key(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedgen_ops.host.keys._LOGIN", 0.5)
    asleep, listening = Asleep(), socket.create_server(("127.0.0.1", 0))
    host_key = paramiko.Ed25519Key.from_private_key_file(str(server.folder / "host_ed25519"))
    port = listening.getsockname()[1]
    host = reached_at(server, port)
    with listening, ThreadPoolExecutor(1) as pool:
        opened = pool.submit(host.open)
        with closing(paramiko.Transport(listening.accept()[0])) as transport:
            transport.add_server_key(host_key)
            transport.start_server(server=asleep)
            with pytest.raises(Unreachable, match=r"did not answer the login of \w+ within 0.5 s") as caught:
                opened.result(20)
            asleep.awake.set()
    assert "accepts no key" not in caught.value.message


def reached_at(server: Sshd, port: int) -> Host:
    """Another port whose key is the server's."""
    known = server.folder / "known_too"
    known.write_text(f"* {(server.folder / 'host_ed25519.pub').read_text()}")
    return server.host(port=port, known_hosts=str(known))


def test_a_held_process_that_says_nothing_ran_out_of_time_whoever_ends_it(
    server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Channel.sendall

    def slowly(channel: Channel, data: bytes) -> None:
        # The host's clock runs already.
        time.sleep(0.5)
        send(channel, data)

    monkeypatch.setattr(Channel, "sendall", slowly)
    with pytest.raises(CommandTimedOut, match="said nothing before its deadline"):
        server.host().hold(sh("sleep", "20"), deadline=1)


@pytest.mark.parametrize("noticed", [True, False])
def test_a_host_that_is_gone_is_told_alike_whenever_that_is_noticed(tmp_path: Path, noticed: bool) -> None:
    with sshd(tmp_path / "sshd") as server:
        host = server.host(connect_timeout=1)
        host.run(sh("true"), deadline=5)
        (session,) = server.sessions()
        try:
            os.kill(server.process.pid, signal.SIGSTOP)
            os.kill(session, signal.SIGKILL if noticed else signal.SIGSTOP)
            while noticed and host._link.is_connected:
                host._link.transport.join(1)
            with pytest.raises(Unreachable, match="app1 does not answer any more; `true` was not started"):
                host.run(sh("true"), deadline=5)
        finally:
            for pid in (*server.sessions(), server.process.pid):
                os.kill(pid, signal.SIGCONT)
