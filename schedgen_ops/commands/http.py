"""One HTTP request from the host itself: by curl where there is one, else by bash alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.host_scripts import host_script, library
from schedgen_ops.shell import Command, Secret, call


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a request got.

    Attributes:
        status: the HTTP status, 0 where no answer came.
        seconds: from the start of the request to the end of the answer.
        error: why no answer came.
    """

    status: int
    seconds: float
    error: str = ""


def get(url: str, limit: float) -> Command:
    """GET `url`, given up after `limit` seconds."""
    return host_script("http/get", title=f"GET {url}", url=url, limit=limit)


def parse_answer(stdout: str) -> HttpAnswer:
    """Reads the answer of `get`.

    Raises:
        ValueError: for anything else.
    """
    status, seconds, *error = stdout.split(maxsplit=2)
    return HttpAnswer(int(status), float(seconds), " ".join(error).strip())


FETCH = library("fetch")
MOST = 256 * 1024
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}(?=[;\s]|\Z)")
_CHUNKED = re.compile(r"^transfer-encoding:.*chunked", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(r"^content-length:\s*(\d{1,15})\s*$", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its body.

    Attributes:
        status: the HTTP status, 0 where no answer came.
        error: why none came.
        cut: whether the body was longer than what is kept.
    """

    status: int
    seconds: float
    body: str = ""
    error: str = ""
    cut: bool = False


def fetch(url: str, limit: float) -> Command:
    """GET `url` with its body, given up after `limit` seconds; 0 leaves that to whoever runs it."""
    return call(FETCH, "fetch", "GET", url, f"{limit:g}", str(MOST), title=f"GET {url}")


def post(url: str, limit: float, kind: str, body: bytes, token: Secret | None = None) -> Command:
    """POST a body of the content type `kind` to `url`.

    Args:
        token: what the header Authorization bears, if there is to be one; of letters, digits and `-._~+/=:`.
    """
    words = (url, f"{limit:g}", str(MOST), kind, str(len(body)))
    command = call(FETCH, "fetch", "POST", *words, title=f"POST {url}").with_stdin(body)
    return command.with_secret("schedgen_bearer", token) if token else command


def parse_reply(stdout: str) -> Reply:
    """Reads the answer of `fetch`.

    Raises:
        ValueError: for anything else.
    """
    raw, mark, last = stdout.rpartition("\n\x1e")
    if not mark:
        raise ValueError(f"no answer of fetch: {stdout[-100:]!r}")
    micros, _, problem = last.strip().partition(" ")
    seconds, cut = int(micros) / 1e6, len(raw.encode()) >= MOST
    found = _STATUS.match(raw)
    head, _, body = raw.partition("\r\n\r\n")
    if found and _CHUNKED.search(head):
        body, problem = _joined(body.encode(), problem)
    problem = problem or _short(head, body, int(found[1]) if found else 0)
    if not found or (problem and not cut):
        return Reply(0, seconds, error=problem or "no answer")
    return Reply(int(found[1]), seconds, body, cut=cut)


def _joined(data: bytes, problem: str) -> tuple[str, str]:
    """What chunks hold, and what is wrong with them. A body may have lines that look like theirs."""
    pieces: list[bytes] = []
    while size := _SIZE.match(data):
        count = int(size[0], 16)
        _, _, data = data.partition(b"\r\n")
        if not count:
            return b"".join(pieces).decode(errors="replace"), problem
        pieces.append(data[:count])
        if data[count : count + 2] != b"\r\n":
            break
        data = data[count + 2 :]
    return b"".join(pieces).decode(errors="replace"), problem or "the answer was cut off"


def _short(head: str, body: str, status: int) -> str:
    """How a body is shorter than its head says; "" if not. What is no text lost bytes on the way here."""
    length = _LENGTH.search(head)
    if not length or status in (204, 304) or "\ufffd" in body or len(body.encode()) >= int(length[1]):
        return ""
    return f"the answer was cut off after {len(body.encode())} of {length[1]} bytes"
