"""What may be written to a terminal, and whether one is there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TextIO

COLOURS = (36, 35, 34, 33, 32, 96, 95, 94, 93, 92)
"""Codes of those that can be told apart on light and on dark, errors' red left out."""

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # a title, a link, the clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # strings for devices
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # cursor, colour, erase
    r"|\x1b[ -/]*[0-~]?"  # character sets, resets
)
# Other control characters, and those that turn or hide the text around them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def printable(text: str) -> str:
    """Return foreign text as one line that cannot move the cursor, set colours, or reorder what is shown.

    Of a line that a program overwrote with carriage returns, the last state is kept.
    """
    if text.isprintable():  # As most is: none of all that is in it.
        return text
    plain = _ESCAPES.sub("", text).rstrip("\r\n").expandtabs(4)
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", plain.rpartition("\r")[2])


def printable_lines(text: str) -> tuple[str, ...]:
    """Return foreign text as safe lines; empty text has none."""
    return tuple(printable(line) for line in text.rstrip().split("\n")) if text.strip() else ()


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether `stream` is a terminal that can redraw what it shows."""
    return _is_tty(stream) and environ.get("TERM", "") not in ("", "dumb", "unknown")


def is_coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether colour may be used on `stream`: a capable terminal, and no NO_COLOR."""
    return is_live(stream, environ) and not environ.get("NO_COLOR")


def _is_tty(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


class Writer:
    """A writer of whole lines, flushed. A reader that went away ends the writing, never the run.

    Attributes:
        gone: whether it went away.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.gone = False

    def lines(self, *lines: str) -> None:
        """Write `lines`, each ended by a newline."""
        if lines:
            self.text("".join(f"{line}\n" for line in lines))

    def text(self, text: str) -> None:
        """Write `text` as it is, characters that the stream cannot carry replaced."""
        if self.gone:
            return
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        try:
            self.stream.write(text.encode(encoding, "replace").decode(encoding))
            self.stream.flush()
        except (OSError, ValueError):
            self.gone = True
            silence(self.stream)


def silence(stream: TextIO) -> None:
    """Point a broken stream at nothing, or the interpreter's own flush at exit fails as well."""
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)
    except (OSError, ValueError):
        return
