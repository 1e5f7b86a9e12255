"""JSON that bash writes: read back by a real reader, whatever a program said."""

from __future__ import annotations

import json
import subprocess

import hypothesis
import pytest
from hypothesis import strategies as st

from schedgen_ops.host_scripts import library

JSON = library("json")

TEXTS = (
    b"",
    b"plain",
    b'a "b" \\c',
    b"\t\x1b[1m\n\r\x7f\x01",
    "žluť 漢字 😀".encode(),
    b"&\\&",
    b"'$(id)`id`$HOME",
)
SPOILED = (
    b"\xff",
    b"\xc3",
    b"\xc3(",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\xaf",
    b"a\xf0\x9f\x98",
)


def encoded(*texts: bytes, locale: str = "C.UTF-8") -> list[str]:
    script = JSON + """for text in "$@"; do json "$text"; printf '"%s"\\n' "$json"; done"""
    words = [b"bash", b"-c", script.encode(), b"json", *texts]
    done = subprocess.run(words, env={"LC_ALL": locale}, capture_output=True, check=True)
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_text_is_what_it_was(locale: str) -> None:
    assert encoded(*TEXTS, locale=locale) == [text.decode() for text in TEXTS]


def test_what_is_no_text_is_marked_and_hides_nothing_behind_it() -> None:
    for spoiled, found in zip(SPOILED, encoded(*(text + b"end" for text in SPOILED)), strict=True):
        assert found.endswith("end"), spoiled
        assert "\ufffd" in found


@hypothesis.settings(deadline=None, max_examples=10)
@hypothesis.given(st.lists(st.binary(max_size=25).map(lambda data: data.replace(b"\0", b"")), min_size=8))
def test_any_bytes_are_json(texts: list[bytes]) -> None:
    for text, found in zip(texts, encoded(*texts), strict=True):
        # How many marks stand for bytes that are no text is nobody's matter.
        assert "".join(found.split("\ufffd")) == "".join(text.decode(errors="replace").split("\ufffd"))
