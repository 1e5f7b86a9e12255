"""Answers of every form, whole and cut off, from a server that says them byte by byte."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, quickly

from schedgen_ops.commands import http
from schedgen_ops.host_scripts import library
from schedgen_ops.shell import script

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"


def chunks(*parts: bytes, last: bytes = b"0\r\n\r\n", extension: bytes = b"") -> bytes:
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts) + last


TRICKY = b"first\r\nbeef\r\nlast"
WORD = "žluť 漢字".encode()
WHOLE = {
    "a line like a size": (CHUNKED.encode() + chunks(TRICKY), TRICKY),
    "a part that ends in one": (CHUNKED.encode() + chunks(b"a\r\n", b"5\r\n", b"b"), b"a\r\n5\r\nb"),
    "a character in two": (CHUNKED.encode() + chunks(WORD[:1], WORD[1:8], WORD[8:]), WORD),
    "trailers and extensions": (
        CHUNKED.lower().replace("http", "HTTP").encode()
        + chunks(b"body", extension=b";a=b", last=b"0;x\r\nExpires: now\r\n\r\n"),
        b"body",
    ),
    "a length": (f"{HEAD}Content-Length: 9\r\n\r\n".encode() + b"beef\r\n1\r\n", b"beef\r\n1\r\n"),
    "a length like an interim status": (
        f"{HEAD}Content-Length: 123\r\n\r\n".encode() + b"x" * 123,
        b"x" * 123,
    ),
    "to the end": (HEAD.replace("1.1", "1.0").encode() + b"\r\n" + TRICKY, TRICKY),
    "after a word to go on": (b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED.encode() + chunks(b"x"), b"x"),
    "nothing": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b""),
}
CUT = {
    "in a chunk": CHUNKED.encode() + chunks(b"abc", last=b"ff\r\nab"),
    "between chunks": CHUNKED.encode() + chunks(b"abc", last=b""),
    "before any chunk": CHUNKED.encode(),
    "in a size": CHUNKED.encode() + chunks(b"abc", last=b"f"),
    "before its length": f"{HEAD}Content-Length: 10\r\n\r\n".encode() + b"abc",
    "in its head": HEAD.encode(),
    "in its first line": b"HTTP/1.1 20",
    "at once": b"",
}


def question(talk: socket.socket) -> str:
    """A request, to its end: closing before that would take the answer away."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += talk.recv(4096)
    return asked.decode()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Says what its address is the number of."""
    said = [data for data, _ in WHOLE.values()] + list(CUT.values())
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    talk, _ = listening.accept()
                except OSError:
                    return
                # Who has the whole answer may be gone already.
                with talk, suppress(OSError):
                    asked = question(talk)
                    talk.sendall(said[int(asked.split()[1].strip("/"))])
                    talk.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def fetched(url: str, limit: float, folder: Path) -> http.Reply:
    answer = bash(http.fetch(url, limit), folder)
    assert answer.ok, answer.stderr
    return http.parse_reply(answer.stdout)


@pytest.mark.parametrize("limit", [0, 9.5])
def test_the_body_is_the_one_that_was_sent(server: str, limit: float, tmp_path: Path) -> None:
    for number, (name, (_, body)) in enumerate(WHOLE.items()):
        reply = fetched(f"{server}/{number}", limit, tmp_path)
        assert (reply.status, reply.body, reply.error) == (
            204 if name == "nothing" else 200,
            body.decode(),
            "",
        ), name


@pytest.mark.parametrize("limit", [0, 9.5])
def test_an_answer_that_was_cut_off_is_none(server: str, limit: float, tmp_path: Path) -> None:
    for number, name in enumerate(CUT, start=len(WHOLE)):
        reply = fetched(f"{server}/{number}", limit, tmp_path)
        assert (reply.status, bool(reply.error)) == (0, True), name


@pytest.mark.parametrize("curl", [True, False])
def test_neither_is_it_for_who_asks_for_its_status_alone(server: str, curl: bool, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "timeout", "cat", "head", *(["curl"] if curl else [])):
        (folder / name).symlink_to(str(shutil.which(name)))
    # curl takes the end of the connection for that of the head.
    expected = {*WHOLE, "in its head"} if curl else {*WHOLE}
    for number, name in enumerate((*WHOLE, *CUT)):
        answer = bash(http.get(f"{server}/{number}", 9), tmp_path, PATH=str(folder))
        assert (http.parse_answer(answer.stdout).status >= 200) is (name in expected), (name, answer)


BINARY = "HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n"
WHOLE_BYTES = {
    "bytes": f"{BINARY}Content-Length: 6\r\n\r\n".encode() + b"%P\0\0\n\xff",
    "bytes in chunks": f"{BINARY}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks(b"%P\0", b"\xff\0"),
    "bytes to the end": BINARY.encode() + b"\r\n%P\0",
}
CUT_BYTES = {
    "bytes before their length": f"{BINARY}Content-Length: 7\r\n\r\n".encode() + b"%P\0\0\n\xff",
    "bytes in a chunk": f"{BINARY}Transfer-Encoding: chunked\r\n\r\n".encode()
    + chunks(b"%P\0", last=b"9\r\na"),
}


def test_who_asks_without_a_program_sees_the_same(server: str, tmp_path: Path) -> None:
    asked = f"""{library("here")}
    trap '' PIPE
    PATH=
    for ((each = 0; each < $2; each++)); do is_plain "$1/$each" && here "$1/$each" 9; echo "$answer"; done
    """
    total = len(WHOLE) + len(CUT)
    said = bash(script(asked, server, str(total)), tmp_path).stdout.splitlines()
    wrong = [
        name for name, line in zip((*WHOLE, *CUT), said, strict=True) if (line[0] == "2") != (name in WHOLE)
    ]
    assert (wrong, said[-1].endswith(" no answer")) == ([], True), said


@pytest.mark.parametrize("name", [*WHOLE_BYTES, *CUT_BYTES])
def test_bytes_that_are_no_text_are_counted(name: str, tmp_path: Path) -> None:
    data = (WHOLE_BYTES | CUT_BYTES)[name]
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            talk, _ = listening.accept()
            with talk:
                question(talk)
                talk.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://localhost:{listening.getsockname()[1]}/"
        said = bash(script(f'{library("here")}\nhere "$1" 9; echo "$answer"', url), tmp_path).stdout
    assert said.startswith("200 " if name in WHOLE_BYTES else "000 "), said


def test_who_does_not_answer_in_time_has_no_status(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        said = bash(script(f'{library("here")}\nhere "$1" 0.2; echo "$answer"', url), tmp_path).stdout
    status, seconds, *why = said.split()
    assert (status, why) == ("000", ["no", "answer"])
    assert float(seconds) >= 0.2


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://localhost:3000/a?b=c", True),
        ("http://127.0.0.1/", True),
        ("http://[::1]:3000", True),
        ("http://example.com:80/http://localhost/", True),
        ("http://me:you@localhost/", False),
        ("http://localhost?a", False),
        ("http://localhost/#a", False),
        ("https://localhost/", False),
    ],
)
def test_only_plain_addresses_are_asked_like_that(url: str, plain: bool, tmp_path: Path) -> None:
    assert bash(script(f'{library("here")}\nis_plain "$1"', url), tmp_path).ok is plain


def test_the_watchdog_reads_the_same_bodies_and_none_that_was_cut_off(server: str, tmp_path: Path) -> None:
    ask = f'{library("http")}\nbody "$1" 9 "$2"'
    for number, (name, (_, body)) in enumerate(WHOLE.items()):
        answer = bash(script(ask, f"{server}/{number}", "100000"), tmp_path)
        assert answer.stdout.encode() == body, (name, answer)
    for number, name in enumerate(CUT, start=len(WHOLE)):
        answer = bash(script(ask, f"{server}/{number}", "100000"), tmp_path)
        assert (answer.stdout, answer.ok) == ("", False), (name, answer)


def test_a_long_chunked_answer_is_kept_as_far_as_any_other(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            talk, _ = listening.accept()
            with talk:
                question(talk)
                # It is not read to its end.
                with suppress(OSError):
                    talk.sendall(CHUNKED.encode())
                    for _ in range(40):
                        talk.sendall(chunks(b"x" * 10_000, last=b""))

        threading.Thread(target=serve, daemon=True).start()
        reply = fetched(f"http://127.0.0.1:{listening.getsockname()[1]}/", 0, tmp_path)
    assert (reply.status, reply.cut) == (200, True)
    assert {*reply.body} == {"x"}


@quickly
@given(
    parts=st.lists(st.text(max_size=30).map(str.encode).filter(bool), max_size=5), cut=st.integers(0, 1 << 20)
)
def test_what_still_is_in_chunks_is_put_together_by_their_lengths(parts: list[bytes], cut: int) -> None:
    body = chunks(*parts)
    end = "\n\x1e1000 \n"
    reply = http.parse_reply(CHUNKED + body.decode() + end)
    assert (reply.status, reply.body) == (200, b"".join(parts).decode())
    # The last line of the last chunk may be missing: all that was announced is there by then.
    rest = body[: cut % max(1, len(body) - 4)].decode(errors="replace")
    assert http.parse_reply(CHUNKED + rest + end).status == 0
