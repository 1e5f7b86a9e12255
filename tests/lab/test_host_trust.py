"""Whether a host is who it says it is, over real sshds: certificates and aliases."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from sshd import Sshd, keygen, sshd

from schedgen_ops.errors import HostKeyChanged, UnknownHostKey, Unreachable
from schedgen_ops.host import Host
from schedgen_ops.shell import sh

UP = sh("echo", "up")


def says_up(host: Host) -> bool:
    return host.run(UP, deadline=10).text == "up"


def reached(server: Sshd, tmp_path: Path, *lines: str, **options: Any) -> Host:
    """The server under the name app1.example.org, with what a ssh_config says of it."""
    config = tmp_path / "config"
    place = f"Host app1.example.org\n  HostName 127.0.0.1\n  Port {server.port}\n"
    config.write_text("\n".join((place, *lines)) + "\n")
    known = {"config_file": str(config), "known_hosts": str(tmp_path / "known_hosts"), **options}
    return server.host(address="app1.example.org", port=None, **known)


class Authority:
    """A certificate authority of the test's own, and a server whose host key it signs."""

    def __init__(self, folder: Path, kind: str = "ed25519", host_kind: str = "ed25519") -> None:
        self.key = keygen(folder / "authority", kind=kind)
        self.host_key = keygen(folder / "certified", kind=host_kind)
        self.config = (f"HostKey {self.host_key}", f"HostCertificate {self.host_key}-cert.pub")

    @property
    def public(self) -> str:
        return " ".join(Path(f"{self.key}.pub").read_text().split()[:2])

    def sign(self, *words: str) -> None:
        command = ["ssh-keygen", "-q", "-s", str(self.key), "-I", "app1", *words, f"{self.host_key}.pub"]
        subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("kinds", [("ed25519", "ecdsa"), ("ecdsa", "rsa"), ("rsa", "ed25519")])
def test_a_certificate_of_a_known_authority_is_enough(tmp_path: Path, kinds: tuple[str, str]) -> None:
    authority = Authority(tmp_path, *kinds)
    authority.sign("-h", "-n", "app1.example.org")
    known = tmp_path / "known_hosts"
    alias = "  HostKeyAlias app1.example.org"
    with sshd(tmp_path / "sshd", *authority.config) as server:
        known.write_text(f"@cert-authority *.example.org {authority.public}\n")
        assert says_up(reached(server, tmp_path, alias))
        known.write_text(f"@cert-authority *.example.net {authority.public}\n")
        with pytest.raises(UnknownHostKey, match="in no known_hosts file") as caught:
            reached(server, tmp_path, alias).open()
        assert "certificate authority" not in caught.value.message


def test_a_host_without_a_certificate_is_told_from_one_with_another(server: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {keygen(tmp_path / 'ca').with_suffix('.pub').read_text()}")
    with pytest.raises(UnknownHostKey, match=f"shows no certificate, though {known}:1 names an authority"):
        reached(server, tmp_path).open()


BAD = [
    (("-h", "-n", "app2.example.org"), "it is for app2.example.org, not for app1.example.org"),
    (("-h", "-n", "app1.example.org", "-V", "20200101:20200102"), "it has run out on 2020-01-02"),
    (("-h", "-n", "app1.example.org", "-V", "20990101:20990102"), "it holds from 2099-01-01"),
    (("-n", "app1.example.org"), ""),
]


@pytest.mark.parametrize(("words", "why"), BAD)
def test_a_certificate_that_does_not_hold_says_why(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    authority = Authority(tmp_path)
    authority.sign(*words)
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {authority.public}\n")
    with sshd(tmp_path / "sshd", *authority.config) as server:
        with pytest.raises(UnknownHostKey) as caught:
            reached(server, tmp_path, "  HostKeyAlias app1.example.org").open()
        assert why in caught.value.message
        # The way out that is told is one.
        trust = caught.value.hint.splitlines()[-1].strip()
        subprocess.run(trust, shell=True, check=True, capture_output=True)
        assert says_up(reached(server, tmp_path, "  HostKeyAlias app1.example.org"))


def test_a_certificate_of_another_authority_is_named_with_its_fingerprint(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), keygen(tmp_path / "other")
    authority.sign("-h")
    known = tmp_path / "known_hosts"
    known.write_text(f"@cert-authority * {Path(f'{other}.pub').read_text()}")
    listed = subprocess.run(
        ["ssh-keygen", "-lf", f"{authority.key}.pub"], capture_output=True, text=True, check=True
    )
    with sshd(tmp_path / "sshd", *authority.config) as server, pytest.raises(UnknownHostKey) as caught:
        reached(server, tmp_path).open()
    assert (
        f"signed by {listed.stdout.split()[1]}, which no @cert-authority line names" in caught.value.message
    )


@pytest.mark.parametrize("revoked", ["the authority", "the key"])
def test_what_is_revoked_is_refused_whoever_signed_it(tmp_path: Path, revoked: str) -> None:
    authority = Authority(tmp_path)
    authority.sign("-h")
    key = authority.key if revoked == "the authority" else authority.host_key
    known = tmp_path / "known_hosts"
    line = f"@revoked * {Path(f'{key}.pub').read_text()}"
    known.write_text(f"@cert-authority * {authority.public}\n{line}")
    told = pytest.raises(HostKeyChanged, match=f"revoked in {known}:2")
    with sshd(tmp_path / "sshd", *authority.config) as server, told:
        reached(server, tmp_path).open()


@pytest.mark.parametrize("form", ["text", "binary", "gone"])
def test_a_key_in_the_file_of_revoked_ones_is_refused(server: Sshd, tmp_path: Path, form: str) -> None:
    (tmp_path / "known_hosts").write_text(server.known_hosts.read_text())
    public, other = server.folder / "host_ed25519.pub", keygen(tmp_path / "other").with_suffix(".pub")
    revoked = tmp_path / "revoked"
    line = f"  RevokedHostKeys {revoked}"

    def revoke(key: Path) -> None:
        revoked.write_text(f"# {key.name}\n{key.read_text()}")
        if form == "binary":
            words = ["ssh-keygen", "-q", "-k", "-f", str(revoked), str(key)]
            subprocess.run(words, check=True, capture_output=True)

    revoke(other)
    assert says_up(reached(server, tmp_path, line))
    revoke(public)
    if form == "gone":
        revoked.unlink()
    told = Unreachable if form == "gone" else HostKeyChanged
    with pytest.raises(told, match="cannot be told" if form == "gone" else f"revoked in {revoked}"):
        reached(server, tmp_path, line).open()


@pytest.mark.parametrize("way", ["", "ProxyCommand", "ProxyJump"])
def test_the_command_that_trusts_a_host_with_an_alias_makes_it_known(
    server: Sshd, tmp_path: Path, way: str
) -> None:
    with sshd(tmp_path / "jump") as jump:
        lines = ["  HostKeyAlias 'the-box'"] if way != "ProxyCommand" else []
        if way == "ProxyCommand":
            lines.append(f"  ProxyCommand ssh -F {tmp_path}/config -W %h:%p gate")
        if way == "ProxyJump":
            lines.append("  ProxyJump gate")
        gate = f"Host gate\n  HostName 127.0.0.1\n  Port {jump.port}\n  IdentityFile {jump.key}"
        lines += [gate, f"  UserKnownHostsFile {jump.known_hosts}\n  IdentitiesOnly yes"]
        known = tmp_path / "known_hosts"
        known.write_text(jump.known_hosts.read_text())
        (server.folder / "authorized_keys").open("a").write((jump.folder / "id_ed25519.pub").read_text())
        (jump.folder / "authorized_keys").open("a").write((server.folder / "id_ed25519.pub").read_text())
        with pytest.raises(UnknownHostKey) as caught:
            reached(server, tmp_path, *lines).open()
        trust = caught.value.hint.splitlines()[-1].strip()
        subprocess.run(trust, shell=True, check=True, capture_output=True)
        assert says_up(reached(server, tmp_path, *lines))


def test_the_command_that_forgets_a_changed_key_under_an_alias_works(server: Sshd, tmp_path: Path) -> None:
    other = keygen(tmp_path / "other").with_suffix(".pub").read_text()
    (tmp_path / "known_hosts").write_text(f"the-box {other}")
    with pytest.raises(HostKeyChanged) as caught:
        reached(server, tmp_path, "  HostKeyAlias the-box").open()
    for command in caught.value.hint.splitlines()[-2:]:
        subprocess.run(command, shell=True, check=True, capture_output=True)
    assert says_up(reached(server, tmp_path, "  HostKeyAlias the-box"))


def test_a_key_under_the_name_without_its_port_is_good_as_it_is_to_ssh(server: Sshd, tmp_path: Path) -> None:
    public = (server.folder / "host_ed25519.pub").read_text()
    other = keygen(tmp_path / "other").with_suffix(".pub").read_text()
    known = tmp_path / "known_hosts"
    known.write_text(f"127.0.0.1 {public}")
    assert says_up(reached(server, tmp_path))
    known.write_text(f"127.0.0.1 {other}")
    with pytest.raises(UnknownHostKey):
        reached(server, tmp_path).open()


def test_a_known_hosts_file_that_keeps_nothing_is_not_added_to(server: Sshd, tmp_path: Path) -> None:
    with pytest.raises(UnknownHostKey, match="no known_hosts file") as caught:
        reached(server, tmp_path, "  UserKnownHostsFile /dev/null", known_hosts="~/.ssh/known_hosts").open()
    assert "set `ssh.known_hosts`" in caught.value.hint
    assert "/dev/null" not in caught.value.hint
