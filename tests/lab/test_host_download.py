"""Files of any size read from a host, over a real sshd."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sshd import Sshd, sshd

from schedgen_ops.errors import CommandFailed, ConnectionLost

SIZE = 48 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("files") / "it's big"
    file.write_bytes(os.urandom(SIZE))
    return file


def test_every_byte_arrives_from_the_start_or_from_where_it_is_asked(server: Sshd, big: Path) -> None:
    host, found = server.host(), hashlib.sha256()
    host.download(str(big), found.update, deadline=60)
    assert found.digest() == hashlib.sha256(big.read_bytes()).digest()
    rest = bytearray()
    host.download(str(big), rest.extend, offset=SIZE - 70_001, deadline=60)
    assert bytes(rest) == big.read_bytes()[-70_001:]
    host.download(str(big), rest.extend, offset=SIZE, deadline=60)
    assert len(rest) == 70_001


def test_a_file_that_is_not_there_is_an_error_in_words(server: Sshd) -> None:
    with pytest.raises(CommandFailed, match="read /no/such/file") as caught:
        server.host().download("/no/such/file", print, deadline=10)
    assert "No such file" in caught.value.detail


def test_what_arrived_before_the_connection_broke_is_right_and_can_be_gone_on_from(
    server: Sshd, big: Path
) -> None:
    host, got = server.host(), bytearray()

    def take(data: bytes) -> None:
        got.extend(data)
        if len(got) > SIZE // 3:
            server.cut()

    with pytest.raises(ConnectionLost):
        host.download(str(big), take, deadline=60)
    assert 0 < len(got) < SIZE
    host.download(str(big), got.extend, offset=len(got), deadline=60)
    assert bytes(got) == big.read_bytes()


def test_an_error_of_whoever_takes_the_bytes_comes_through(server: Sshd, big: Path) -> None:
    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    host = server.host()
    with pytest.raises(OSError, match="No space left"):
        host.download(str(big), full, deadline=60)
    rest = bytearray()
    host.download(str(big), rest.extend, offset=SIZE - 1, deadline=10)
    assert len(rest) == 1
