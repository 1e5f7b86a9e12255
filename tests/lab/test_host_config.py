"""ssh_config as ssh itself reads it, and what becomes of it on the way to a real sshd."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sshd import Sshd, keygen, sshd

from schedgen_ops.errors import ConfigError, KeyRefused, Unreachable
from schedgen_ops.host import Host, resolve, ssh_config, ssh_words
from schedgen_ops.host.resolve import Resolver
from schedgen_ops.host.target import NamedHost, target
from schedgen_ops.shell import sh

UP = sh("echo", "up")
# Each is a line that OpenSSH understands; INC stands for a file of such lines.
_LINES = (
    "Host prod|Host *|Host !prod *|Host pr?d other|Host=prod|Host\tprod # Anna's|Match host=prod|Match all|"
    "Match final all|Match final host 192*|Match !host prod|Match host prod user bob|Match user bob|"
    'Match originalhost prod !localuser nobody|Match exec true|Match host "prod,x"|Match canonical all|'
    "HostName 192.0.2.10 # c|HostName=192.0.2.11|HostName %h.example.org|User deploy # never|User=bob|"
    "User 'a b'|\tPort\t2222|Port = 2200|Port 2201 # x|IdentityFile ~/.ssh/%h.pub|IdentityFile '/a b/c'|"
    "IdentityFile none|UserKnownHostsFile ~/kh '/tmp/a b'|UserKnownHostsFile none|HostKeyAlias foo|"
    "UserKnownHostsFile /x/%h /y/%r|ProxyJump j1,u@j2:22|ProxyJump none|ProxyCommand nc %h %p # no|"
    "ProxyCommand none|IdentitiesOnly yes|IdentitiesOnly no # x|ForwardAgent yes|IdentityAgent ~/a.sock|"
    "IdentityAgent none|ConnectTimeout 7|AddressFamily inet|CertificateFile /c-%h|Include INC|User bob\r"
)
LINES = _LINES.split("|")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@contextmanager
def agent(place: Path, *keys: Path) -> Iterator[Path]:
    """An ssh-agent at `place` that holds these keys."""
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout is not None
            running.stdout.readline()
            subprocess.run(
                ["ssh-add", "-q", *map(str, keys)],
                check=True,
                env={**os.environ, "SSH_AUTH_SOCK": str(place)},
            )
            yield place
        finally:
            running.terminate()


def reached(server: Sshd, tmp_path: Path, *lines: str, **options: Any) -> Host:
    """The server under the name prod, with what a ssh_config says of it."""
    config = tmp_path / "config"
    place = f"Host prod\n  HostName 127.0.0.1\n  Port {server.port}\n"
    config.write_text("\n".join((place, *lines)) + "\n")
    known = {"identity_file": None, "agent": True, "config_file": str(config), **options}
    return server.host(address="prod", port=None, **known)


def says_up(host: Host) -> bool:
    return host.run(UP, deadline=10).text == "up"


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=12),
    st.lists(st.sampled_from(LINES[:-2]), min_size=1, max_size=3),
    st.sampled_from(["", "bob"]),
)
def test_our_own_reading_finds_what_ssh_finds(
    tmp_path: Path, lines: list[str], included: list[str], user: str
) -> None:
    more, file = tmp_path / "more", tmp_path / "config"
    more.write_text("\n".join(included) + "\n")
    file.write_text("\n".join(lines).replace("INC", str(more)) + "\n")
    notes: list[str] = []
    asked = NamedHost("prod", user)
    own = ssh_config.load(file, notes.append).lookup("prod", user=user)
    me = ssh_words.me()
    words = ["ssh", "-G", "-F", str(file), *(("-l", user) if user else ()), "--", "prod"]
    said = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert target(asked, own, me, notes.append) == target(asked, resolve.parse(said.stdout), me, print)
    assert notes == []


def test_what_ssh_itself_cannot_read_is_told_once_and_does_not_hold(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Match sunshine yes\n  ProxyJump gate\n  User insider\nHost *\n  User deploy\n")
    resolver = Resolver(config)
    resolver.resolve(NamedHost(f"app{number}") for number in range(10))
    found = {
        (resolver.target(NamedHost(f"app{number}")).user, resolver.target(NamedHost("app1")).jump)
        for number in range(10)
    }
    assert found == {("deploy", ())}
    ssh, own = resolver.notes
    assert ssh.startswith("ssh cannot read its configuration (Unsupported Match attribute sunshine; ")
    assert f"{config} line 1" in ssh
    assert own == f"{config}:1 is ignored: Match sunshine is not understood here"


def test_comments_and_final_blocks_are_what_they_are_to_ssh(server: Sshd, tmp_path: Path) -> None:
    lines = (f"  IdentityFile {server.key} # ours", "Match final all\n  GSSAPIAuthentication yes")
    host = reached(server, tmp_path, *lines)
    assert says_up(host)
    assert host.notes == ()


def test_the_agent_is_the_one_that_ssh_config_names(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with agent(tmp_path / "vault.sock", server.key):
        monkeypatch.setenv("VAULT", str(tmp_path / "vault.sock"))
        for named in (f"{tmp_path}/vault.sock", "$VAULT", "${VAULT}"):
            assert says_up(reached(server, tmp_path, f"  IdentityAgent {named}"))
        for other in ("none", "SSH_AUTH_SOCK", f"{tmp_path}/gone"):
            with pytest.raises(KeyRefused) as caught:
                reached(server, tmp_path, f"  IdentityAgent {other}").open()
            assert ("none to offer" in caught.value.message) == (other == "none")
        assert f"the agent {tmp_path}/gone: No such file or directory" in caught.value.message
        with pytest.raises(KeyRefused, match="none to offer"):
            reached(server, tmp_path, f"  IdentityAgent {tmp_path}/vault.sock", agent=False).open()


def test_a_public_half_stands_for_the_key_in_the_agent(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [keygen(tmp_path / f"other{number}") for number in range(6)]
    (tmp_path / "prod.pub").write_text((server.folder / "id_ed25519.pub").read_text())
    lines = ("  IdentitiesOnly yes", f"  IdentityFile {tmp_path}/prod.pub")
    with agent(tmp_path / "agent", *others, server.key) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        assert says_up(reached(server, tmp_path, *lines))
        subprocess.run(["ssh-add", "-q", "-d", server.key], check=True, capture_output=True)
        with pytest.raises(KeyRefused) as caught:
            reached(server, tmp_path, *lines).open()
    why = "the public half of a key, whose other half no agent here has"
    assert f"(tried {tmp_path}/prod.pub: {why})" in caught.value.message


@pytest.mark.parametrize("forward", ["yes", "$LENT"])
def test_a_host_may_use_the_agent_where_ssh_config_lets_it(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forward: str
) -> None:
    with agent(tmp_path / "agent", server.key) as place:
        monkeypatch.setenv("SSH_AUTH_SOCK" if forward == "yes" else "LENT", str(place))
        host = reached(server, tmp_path, f"  ForwardAgent {forward}", f"  IdentityFile {server.key}")
        for _ in range(3):
            assert "ssh-ed25519" in host.run(sh("ssh-add", "-L"), deadline=10).text
        held = host.hold(sh("ssh-add", "-L"), deadline=10)
        assert held.first.startswith("ssh-ed25519")
        held.close()
        shut = reached(server, tmp_path, f"  IdentityFile {server.key}")
        assert shut.run(sh("ssh-add", "-L"), deadline=10, check=False).code != 0


@pytest.mark.parametrize("where", ["beside the key", "by name", "in the agent", "in the agent alone"])
def test_a_certificate_logs_in_where_the_key_alone_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    authority, key = keygen(tmp_path / "authority"), keygen(tmp_path / "key")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "me", "-n", getpass.getuser(), f"{key}.pub"]
    subprocess.run(sign, check=True, capture_output=True)
    certificate = tmp_path / "key-cert.pub"
    lines = [f"  IdentityFile {key}"]
    if where == "by name":
        certificate = certificate.rename(tmp_path / "signed")
        lines.append(f"  CertificateFile {certificate}")
    with (
        sshd(tmp_path / "sshd", f"TrustedUserCAKeys {authority}.pub") as server,
        agent(tmp_path / "agent", key),
    ):
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        if where.startswith("in the agent"):
            certificate.unlink()
            key.rename(tmp_path / "away")
            lines = []
        if where == "in the agent alone":
            subprocess.run(["ssh-add", "-q", "-d", f"{key}.pub"], check=True, capture_output=True)
        assert says_up(reached(server, tmp_path, *lines))


def test_a_connect_timeout_of_ssh_config_counts_where_ours_says_nothing(server: Sshd, tmp_path: Path) -> None:
    host = reached(server, tmp_path, "  ConnectTimeout 1", f"  IdentityFile {tmp_path}/gone")
    with pytest.raises(Unreachable):
        host.open()
    assert Resolver(tmp_path / "config").target(NamedHost("prod")).patience == 1


def test_hosts_behind_each_other_that_go_in_circles_are_told(server: Sshd, tmp_path: Path) -> None:
    lines = ("  ProxyJump a", "Host a\n  ProxyJump b", "Host b\n  ProxyJump a")
    with pytest.raises(ConfigError, match="circles: a -> b -> a"):
        reached(server, tmp_path, *lines)


def test_a_jump_host_has_a_jump_host_of_its_own(server: Sshd, tmp_path: Path) -> None:
    with sshd(tmp_path / "outer") as outer, sshd(tmp_path / "inner") as inner:
        known = tmp_path / "known"
        known.write_text("".join(one.known_hosts.read_text() for one in (server, outer, inner)))
        lines = (
            f"  IdentityFile {server.key}\n  ProxyJump inner",
            f"Host inner\n  HostName 127.0.0.1\n  Port {inner.port}\n  ProxyJump outer\n"
            f"  IdentityFile {inner.key}",
            f"Host outer\n  HostName 127.0.0.1\n  Port {outer.port}\n  IdentityFile {outer.key}",
        )
        assert says_up(reached(server, tmp_path, *lines, known_hosts=str(known)))
        assert "Accepted publickey" in outer.log
        assert "Accepted publickey" in inner.log


def test_ctrl_c_does_not_end_the_way_to_the_host(server: Sshd, tmp_path: Path) -> None:
    copy = tmp_path / "sleeper"
    copy.write_text(f"#!/bin/sh\ngrep SigIgn /proc/$$/status > {tmp_path}/ignored\nexec sleep 20\n")
    copy.chmod(0o755)
    host = reached(server, tmp_path, f"  ProxyCommand {copy} %h:%p", connect_timeout=1)
    with pytest.raises(Unreachable):
        host.open()
    ignored = int((tmp_path / "ignored").read_text().split()[1], 16)
    assert all(ignored & 1 << number - 1 for number in (signal.SIGINT, signal.SIGHUP))


def test_a_proxy_command_is_for_the_shell_and_says_why_it_ended(server: Sshd, tmp_path: Path) -> None:
    lines = (f"  IdentityFile {server.key}", "  ProxyCommand sh -c 'echo no ticket >&2; exit 3'")
    with pytest.raises(Unreachable) as caught:
        reached(server, tmp_path, *lines).open()
    assert caught.value.detail.splitlines() == ["no ticket", "it ended with exit code 3"]
