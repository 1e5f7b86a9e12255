"""Which lines of a known_hosts file speak of a host, and what follows from them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedgen_ops.errors import HostKeyChanged, UnknownHostKey
from schedgen_ops.host import ssh_config
from schedgen_ops.host.known_hosts import Entry, entries, host_name
from schedgen_ops.host.trust import Identity, trust_command, verify

BLOB = b"\0\0\0\x0bssh-ed25519 a key"
KEY = base64.b64encode(BLOB).decode()
IDENTITY = Identity("app1", "10.0.0.5", 2222, "[10.0.0.5]:2222", (Path("/home/op/.ssh/known_hosts"),))


def hashed(name: str) -> str:
    salt = b"12345678901234567890"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("field", "name", "found"),
    [
        ("app.example", "app.example", True),
        ("App.Example", "app.EXAMPLE", True),
        ("other,app.example", "app.example", True),
        ("*.example", "app.example", True),
        ("*.example,!app.example", "app.example", False),
        ("app?.example", "app1.example", True),
        ("app.example", "[app.example]:2222", False),
        ("[app.example]:2222", "[app.example]:2222", True),
        ("[app.example]:*", "[app.example]:2222", True),
        (hashed("app.example"), "app.example", True),
        (hashed("[app.example]:2222"), "[app.example]:2222", True),
        (hashed("app.example"), "app.exampl", False),
        ("|1|broken", "app.example", False),
    ],
)
def test_a_line_names_a_host(field: str, name: str, found: bool) -> None:
    content = f"# a comment\n\n{field} ssh-ed25519 {KEY} somebody@somewhere\n"
    expected = (Entry("kh", 3, "ssh-ed25519", KEY),) if found else ()
    assert entries(content, "kh", name) == expected


def test_markers_are_told_apart() -> None:
    content = f"@revoked app ssh-ed25519 {KEY}\n@cert-authority app ssh-ed25519 {KEY}\napp ssh-rsa QQ==\n"
    assert [(entry.line, entry.marker) for entry in entries(content, "kh", "app")] == [
        (1, "@revoked"),
        (3, ""),
    ]


@given(st.text(), st.text(min_size=1))
def test_no_file_is_too_broken_to_read(content: str, name: str) -> None:
    entries(content, "kh", name)


def test_a_port_of_its_own_is_part_of_the_name() -> None:
    assert (host_name("app", 22), host_name("app", 2222)) == ("app", "[app]:2222")


def test_a_known_key_passes_and_others_do_not() -> None:
    other = Entry("kh", 7, "ssh-ed25519", "QQ==")
    verify(IDENTITY, [other, Entry("kh", 8, "ssh-ed25519", KEY)], "ssh-ed25519", BLOB)
    with pytest.raises(HostKeyChanged, match="kh:7"):
        verify(IDENTITY, [other], "ssh-ed25519", BLOB)
    with pytest.raises(UnknownHostKey):
        verify(IDENTITY, [], "ssh-ed25519", BLOB)
    with pytest.raises(HostKeyChanged, match="revoked in kh:9"):
        verify(IDENTITY, [Entry("kh", 9, "ssh-ed25519", KEY, "@revoked")], "ssh-ed25519", BLOB)


def test_the_command_that_trusts_a_key_goes_through_the_jump_host() -> None:
    direct = "ssh-keyscan -t ecdsa -p 2222 -H 10.0.0.5"
    assert trust_command(IDENTITY, "ecdsa-sha2-nistp256") == f"{direct} >> /home/op/.ssh/known_hosts"
    behind = Identity("app1", "10.0.0.5", 2222, "x", IDENTITY.files, jump="bastion")
    assert trust_command(behind, "ecdsa-sha2-nistp256") == (
        f"ssh bastion '{direct}' >> /home/op/.ssh/known_hosts"
    )


def test_included_files_hold_where_they_are_included(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("Host one\n  Port 1001\n")
    (tmp_path / "b.conf").write_text("User bob\n")
    main = tmp_path / "config"
    main.write_text(
        f"Include *.conf\nHost two\n  Include {tmp_path}/b.conf\n  Port 1002\nHost *\n  User op\n"
    )
    config = ssh_config.load(main)
    assert config.lookup("one")["port"] == "1001"
    assert config.lookup("two")["port"] == "1002"
    assert config.lookup("two")["user"] == "bob"


def test_a_file_that_includes_itself_or_is_missing_says_nothing(tmp_path: Path) -> None:
    main = tmp_path / "config"
    main.write_text(f"Include {main}\nInclude {tmp_path}/gone\nHost one\n  Port 7\n")
    assert ssh_config.load(main).lookup("one")["port"] == "7"
    assert "port" not in ssh_config.load(tmp_path / "gone").lookup("one")
