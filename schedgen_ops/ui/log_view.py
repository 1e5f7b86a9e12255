"""Lines of logs as they come: on stdout, a colour for each service, whatever they hold made harmless."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from schedgen_ops.ui.terminal import COLOURS, Writer, is_coloured, printable

_LEVELS = {"error": 31, "warning": 33, "debug": 2}
_WIDEST = 24


class LogView:
    """Prints lines of logs.

    Args:
        many: whether to name the host of each.
    """

    def __init__(self, stdout: TextIO, many: bool, environ: Mapping[str, str] = os.environ) -> None:
        self._writer = Writer(stdout)
        self._coloured = is_coloured(stdout, environ)
        self._many = many
        self._colours: dict[str, int] = {}
        self._width = 0

    @property
    def gone(self) -> bool:
        """Whether whoever read it has gone away, as `head` does."""
        return self._writer.gone

    def make_room(self, host: str, sources: Iterable[str]) -> None:
        """Note names that will come, so that the texts stand below each other from the first line on."""
        for source in sources:
            self._widen(self._label(host, source))

    def line(self, at: int, host: str, source: str, level: str, text: str) -> None:
        """Print one line.

        Args:
            at: nanoseconds since the epoch.
            source: the service, or its container.
        """
        label = self._label(host, source)
        self._widen(label)
        time = f"{_second(at // 1_000_000_000)}.{at // 1_000_000 % 1000:03d}"
        head = self._in(f"{label:<{self._width}}", self._colour(label))
        body = self._in(printable(text), _LEVELS.get(level, 0))
        self._writer.lines(f"{self._in(time, 2)} {head} | {body}")

    def _label(self, host: str, source: str) -> str:
        return printable(f"{host} {source}" if self._many else source)

    def _widen(self, label: str) -> None:
        self._width = max(self._width, min(len(label), _WIDEST))

    def _colour(self, label: str) -> int:
        return self._colours.setdefault(label, COLOURS[len(self._colours) % len(COLOURS)])

    def _in(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured and code else text


@lru_cache(64)
def _second(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%m-%d %H:%M:%S}"
