"""Getting a connection, and what an operator is told when there is none, over real sshds."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sshd import Sshd, free_port, keygen, sshd

from schedgen_ops.errors import HostKeyChanged, KeyRefused, UnknownHostKey, Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.host import Host
from schedgen_ops.shell import Secret, sh

UP = sh("echo", "up")


def says_up(host: Host) -> bool:
    return host.run(UP, deadline=5).text == "up"


def error_of(host: Host) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        host.open()
    assert caught.value.exit_code == 8
    assert caught.value.host == "app1"
    return caught.value


@contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """A port that answers each connection with these bytes and closes; None: it never accepts one."""
    server = socket.create_server(("127.0.0.1", 0), backlog=0 if answer is None else 5)
    port: int = server.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                client, _peer = server.accept()
            except OSError:
                return
            with client:
                client.sendall(answer or b"")

    waiting = []
    if answer is None:
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(("127.0.0.1", port))
    else:
        threading.Thread(target=serve, daemon=True).start()
    try:
        yield port
    finally:
        server.shutdown(socket.SHUT_RDWR)
        for end in (server, *waiting):
            end.close()


def test_an_unknown_key_is_refused_with_a_command_that_trusts_it(server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known hosts"
    error = error_of(server.host(known_hosts=str(known)))
    assert isinstance(error, UnknownHostKey)
    shown = subprocess.run(
        ["ssh-keygen", "-lf", server.folder / "host_ed25519.pub"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split()[1] in error.hint
    trust = error.hint.splitlines()[-1].strip()
    assert re.match(r"ssh-keyscan -t ed25519 -p \d+ -H 127\.0\.0\.1 >> ", trust)
    subprocess.run(trust, shell=True, check=True, capture_output=True)
    assert known.read_text().startswith("|1|")
    assert says_up(server.host(known_hosts=str(known)))


def test_a_changed_key_is_refused_with_file_and_line(server: Sshd, tmp_path: Path) -> None:
    other = (keygen(tmp_path / "other").with_suffix(".pub")).read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"# ours\nelsewhere {' '.join(other)}\n[127.0.0.1]:{server.port} {' '.join(other)}\n")
    error = error_of(server.host(known_hosts=str(known)))
    assert isinstance(error, HostKeyChanged)
    assert f"{known}:3" in error.message
    assert f"ssh-keygen -f {known} -R '[127.0.0.1]:{server.port}'" in error.hint


def test_a_host_with_several_keys_shows_the_one_that_is_known(tmp_path: Path) -> None:
    keygen(tmp_path / "host_rsa", kind="rsa")
    with sshd(tmp_path / "sshd", f"HostKey {tmp_path}/host_rsa") as server:
        public = (tmp_path / "host_rsa.pub").read_text().split()
        server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public[0]} {public[1]}\n")
        assert says_up(server.host())


def test_a_refused_key_is_named_with_its_user(server: Sshd, tmp_path: Path) -> None:
    stranger = keygen(tmp_path / "stranger")
    error = error_of(server.host(identity_file=str(stranger)))
    assert isinstance(error, KeyRefused)
    assert f"(tried {stranger})" in error.message
    assert "authorized_keys" in error.hint


def test_a_key_that_is_not_there_is_named(server: Sshd, tmp_path: Path) -> None:
    error = error_of(server.host(identity_file=str(tmp_path / "gone")))
    assert f"{tmp_path}/gone: no such file" in error.message
    (tmp_path / "junk").write_text("no key\n")
    assert (
        "not usable: not a private key" in error_of(server.host(identity_file=str(tmp_path / "junk"))).message
    )


def test_a_host_that_takes_no_keys_says_what_it_takes(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd", "PubkeyAuthentication no", "KbdInteractiveAuthentication yes") as server:
        assert "takes only keyboard-interactive" in error_of(server.host()).message


def test_a_second_factor_is_named(tmp_path: Path) -> None:
    lines = ("AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes")
    with sshd(tmp_path / "sshd", *lines) as server:
        assert "wants keyboard-interactive besides a key" in error_of(server.host()).message


def test_the_passphrase_of_a_key_is_asked_for_once_in_a_run(server: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="open sesame")
    asked: list[str] = []

    def prompt(text: str) -> Secret:
        asked.append(text)
        return Secret("wrong" if len(asked) == 1 else "open sesame")

    with (server.folder / "authorized_keys").open("a") as authorized:
        authorized.write((tmp_path / "locked.pub").read_text())
    fleet = Fleet(server.hosts("app1", "app2", "app3", identity_file=str(locked), prompt=prompt))
    assert fleet.each(lambda host: host.run(UP, deadline=5).text).values() == ("up",) * 3
    assert asked == [f"Passphrase for {locked}: "] * 2


def test_an_encrypted_key_without_a_terminal_is_a_clear_error(server: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="open sesame")
    error = error_of(server.host(identity_file=str(locked)))
    assert "no terminal" in error.message
    assert f"ssh-add {locked}" in error.hint


def test_the_agent_is_used_unless_it_is_switched_off(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        monkeypatch.setenv("HOME", str(tmp_path))
        try:
            for _ in range(100):
                if place.exists():
                    break
                threading.Event().wait(0.05)
            subprocess.run(["ssh-add", "-q", str(server.key)], check=True)
            assert says_up(server.host(identity_file=None, agent=True))
            assert "there is none to offer" in error_of(server.host(identity_file=None, agent=False)).message
        finally:
            agent.terminate()


def test_a_host_that_cannot_be_reached_says_why(server: Sshd) -> None:
    closed = error_of(server.host(port=free_port()))
    assert "refuses connections on port" in closed.message
    unknown = error_of(server.host(address="no-such-host.invalid"))
    assert "the name no-such-host.invalid is not known" in unknown.message
    with listener(None) as port:
        silent = error_of(server.host(port=port, connect_timeout=1))
    assert "did not answer within 1 s" in silent.message
    with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        web = error_of(server.host(port=port))
    assert "no SSH server" in web.message


def test_what_ssh_config_says_is_used_and_settings_win(server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "more").write_text(
        f"Host production\n  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {server.key}\n"
    )
    config = tmp_path / "config"
    config.write_text(f"Include {tmp_path}/mo*\nHost *\n  UserKnownHostsFile {server.known_hosts}\n")
    options: dict[str, Any] = {
        "config_file": str(config),
        "identity_file": None,
        "known_hosts": "~/.ssh/known_hosts",
    }
    assert says_up(server.host(address="production", port=None, **options))
    wrong = server.host(address="production", port=free_port(), **options)
    assert "refuses connections" in error_of(wrong).message


def test_hosts_behind_a_jump_host_share_its_connection(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path / "jump") as jump:
        config = tmp_path / "config"
        (tmp_path / "known_hosts").write_text(server.known_hosts.read_text() + jump.known_hosts.read_text())
        config.write_text(
            f"Host bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.key}\n"
            f"Host inner*\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyJump bastion\n"
            f"  IdentityFile {server.key}\n"
        )
        options: dict[str, Any] = {
            "config_file": str(config),
            "identity_file": None,
            "known_hosts": str(tmp_path / "known_hosts"),
        }
        fleet = Fleet(server.hosts("app1", "app2", "app3", address="inner", port=None, **options))
        assert fleet.each(lambda host: host.run(UP, deadline=5).text).values() == ("up",) * 3
        assert jump.log.count("Accepted publickey") == 1
        fleet.close()
        for _ in range(100):
            if not jump.sessions():
                break
            threading.Event().wait(0.05)
        assert jump.sessions() == []


def test_the_key_of_a_jump_host_is_checked_too(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path / "jump") as jump:
        config = tmp_path / "config"
        config.write_text(
            f"Host bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.key}\n"
            f"Host inner\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyJump bastion\n"
        )
        host = server.host(address="inner", port=None, config_file=str(config))
        with pytest.raises(UnknownHostKey, match="key of bastion"):
            host.open()


def test_a_jump_host_that_gets_no_further_says_so(tmp_path: Path) -> None:
    with sshd(tmp_path / "jump") as jump:
        config = tmp_path / "config"
        config.write_text(
            f"Host bastion\n  HostName 127.0.0.1\n  Port {jump.port}\n"
            f"Host inner\n  HostName 127.0.0.1\n  Port {free_port()}\n  ProxyJump bastion\n"
        )
        error = error_of(jump.host(address="inner", port=None, config_file=str(config)))
        assert "bastion opens no connection to 127.0.0.1" in error.message


def test_a_proxy_command_carries_the_connection(server: Sshd, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(
        "import os, socket, sys, threading\n"
        "link = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): link.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := link.recv(65536): os.write(1, data)\n"
    )
    config = tmp_path / "config"
    config.write_text(
        f"Host inner\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyCommand python3 {relay} %h %p\n"
    )
    host = server.host(address="inner", port=None, config_file=str(config))
    assert says_up(host)
    host.close()
