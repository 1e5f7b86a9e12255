"""What a host's certificate has to say for it to be believed."""

from __future__ import annotations

import base64
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramiko import SSHException

from schedgen_ops.errors import HostKeyChanged
from schedgen_ops.host.certificate import Bad, SshCertificate, check, key_of, parse, signer
from schedgen_ops.host.handshake import KeyExchange
from schedgen_ops.host.known_hosts import Entry, Known, KnownHosts
from schedgen_ops.host.trust import Identity, preferred, vouched

# Made by ssh-keygen: for app1.example.org and app2, for ever.
BLOB = base64.b64decode(
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIJunsxKqvlsmY9gjwNuSdDOXLVZe9S7KxrcExxGJmFUy"
    "AAAAIM/5RBo63KUgso960VHcOFjrbilcmMFC+izBO0Urj0IiAAAAAAAAAAAAAAACAAAABGFwcDEAAAAcAAAAEGFwcDEuZXhh"
    "bXBsZS5vcmcAAAAEYXBwMgAAAAAAAAAA//////////8AAAAAAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIHfd6JZx"
    "5Sh0q2h6VTJFIU6v1VOB2ijogGkYDSH9bUQnAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEBbkJBkW3hFzR1zlnDPul+I2VyOGBi6"
    "hDbTVjAA3zgfzHOucoCxfmvkNbZUfMKnlt+Wx+bPgotLt8864DsYgdkN"
)
AUTHORITY = "AAAAC3NzaC1lZDI1NTE5AAAAIHfd6JZx5Sh0q2h6VTJFIU6v1VOB2ijogGkYDSH9bUQn"
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIM/5RBo63KUgso960VHcOFjrbilcmMFC+izBO0Urj0Ii"
LINE = Entry("kh", 3, "ssh-ed25519", AUTHORITY, "@cert-authority")
NOW = 1_800_000_000.0
IDENTITY = Identity("app1", "app1.example.org", 22, "app1.example.org", (Path("kh"),))


def test_a_good_one_is_believed() -> None:
    found = parse(BLOB)
    assert (found.key_id, found.kind, found.principals) == ("app1", 2, ("app1.example.org", "app2"))
    assert signer(found, [replace(LINE, key="QQ=="), LINE]) == LINE
    assert key_of(BLOB) == base64.b64decode(KEY)
    check(found, "APP1.example.org", NOW)
    assert vouched(IDENTITY, Known(authorities=(LINE,)), BLOB, NOW) == ""


@pytest.mark.parametrize(
    ("changed", "name", "why"),
    [
        ({}, "app3", "it is for app1.example.org, app2, not for app3"),
        ({"kind": 1}, "app2", "it is a user's"),
        ({"after": 1_900_000_000}, "app2", "it holds from 2030-03-17 17:46 UTC on"),
        ({"before": 1_700_000_000}, "app2", "it has run out on 2023-11-14"),
        ({"critical": ("force-command",)}, "app2", "it demands force-command"),
        ({"principals": ()}, "app3", ""),
        ({"signed": BLOB}, "app2", "its signature is wrong"),
        ({"signature": b"\0\0\0\7ssh-rsa\0\0\0\0"}, "app2", "not safe any more"),
        ({"authority": b"\0\0\0\x1ask-ssh-ed25519@openssh.com"}, "app2", "a key of type sk-ssh-ed25519"),
    ],
)
def test_one_that_does_not_hold_says_why(changed: dict[str, object], name: str, why: str) -> None:
    found: SshCertificate = replace(parse(BLOB), **changed)  # type: ignore[arg-type]
    if not why:
        return check(found, name, NOW)
    with pytest.raises(Bad, match=why):
        check(found, name, NOW)
    return None


@given(st.integers(0, len(BLOB) - 1), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(position: int, change: int) -> None:
    forged = bytearray(BLOB)
    forged[position] ^= change
    assert vouched(IDENTITY, Known(authorities=(LINE,)), bytes(forged), NOW) != ""


@given(st.integers(0, len(BLOB) - 1))
def test_one_that_is_cut_off_is_none(length: int) -> None:
    with pytest.raises(Bad):
        parse(BLOB[:length])


def test_a_revoked_authority_vouches_for_nobody() -> None:
    revoked = replace(LINE, line=9, marker="@revoked")
    with pytest.raises(HostKeyChanged, match="revoked in kh:9"):
        vouched(IDENTITY, Known(keys=(revoked,), authorities=(LINE,)), BLOB, NOW)


def test_certificates_are_asked_for_first_where_somebody_can_vouch_for_them() -> None:
    names = ("ssh-ed25519", "ssh-rsa", "ssh-ed25519-cert-v01@openssh.com")
    known = (Entry("kh", 1, "ssh-rsa", "QQ=="),)
    assert preferred(names, Known()) == names
    assert preferred(names, Known(keys=known)) == (names[1], names[0], names[2])
    assert preferred(names, Known(keys=known, authorities=(LINE,))) == (names[2], names[1], names[0])


def test_known_hosts_are_read_once_and_told_apart(tmp_path: Path) -> None:
    file, other = tmp_path / "kh", tmp_path / "kh2"
    file.write_text(
        f"@cert-authority *.example.org,[*.example.org]:* ssh-ed25519 {AUTHORITY} ca\n"
        f"[app1.example.org]:2222 ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 QQ==\n"
    )
    other.write_text("app9.example.org ssh-ed25519 QUE=\n")
    known = KnownHosts()
    found = known.find((file, other, tmp_path / "gone"), "[app1.example.org]:2222", "app1.example.org")
    assert [entry.line for entry in found.authorities] == [1]
    assert [(entry.line, entry.marker) for entry in found.keys] == [(2, ""), (3, "@revoked")]
    file.write_text("")
    assert known.find((file,), "[app1.example.org]:2222") == known.find((file,), "[app1.EXAMPLE.org]:2222")
    assert known.find((file,), "[app1.example.org]:2222").keys == found.keys
    portless = known.find((other,), "[app9.example.org]:2222", "app9.example.org")
    assert ([entry.line for entry in portless.portless], portless.keys) == ([1], ())


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (
            SSHException("Error reading SSH protocol banner[Errno 110] Connection timed out"),
            "no SSH greeting",
        ),
        (TimeoutError(110, "Connection timed out"), "no SSH greeting"),
        (SSHException("Error reading SSH protocol banner"), "is no SSH server"),
        (EOFError(), "is no SSH server"),
    ],
)
def test_what_the_kernel_gave_up_on_was_silent(problem: Exception, why: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        exchange = KeyExchange(ours, label="app1", place="here", known=Known(), seconds=1)
        assert why in exchange._end(problem)[0]
