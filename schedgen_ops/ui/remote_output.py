"""What remote commands print, on this machine's streams: as it is in a pipe, made harmless on a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol, TextIO

from schedgen_ops.ui.terminal import COLOURS, is_coloured, is_live, printable, silence

Sink = Callable[[bytes], None]
# A longer line is shown in pieces: a gigabyte without a newline takes no memory.
_LONGEST = 64 * 1024


class RemoteOutput:
    """One stream of this machine, to which several hosts may write whole lines at the same time.

    Args:
        hosts: whose lines are told apart by the host's name; () for none.
    """

    def __init__(
        self, stream: TextIO, hosts: tuple[str, ...] = (), environ: Mapping[str, str] = os.environ
    ) -> None:
        self._stream = stream
        self._hosts = hosts
        self._coloured = is_coloured(stream, environ)
        self.shown = is_live(stream, {"TERM": "any"})
        self._lock = Lock()

    def write(self, data: bytes) -> None:
        """Write bytes at once.

        Raises:
            BrokenPipeError: when whoever read them went away.
        """
        with self._lock:
            try:
                self._stream.buffer.write(data)
                self._stream.buffer.flush()
            except BrokenPipeError:
                silence(self._stream)
                raise

    def of(self, host: str) -> Taking:
        """Return what takes the bytes of one host, and writes them as lines where somebody reads them."""
        head = self._head(host)
        return HostLines(self, head) if head or self.shown else _Whole(self.write)

    def _head(self, host: str) -> bytes:
        if host not in self._hosts:
            return b""
        width = max(map(len, self._hosts))
        text = f"{printable(host):<{width}} |"
        if self._coloured:
            text = f"\x1b[{COLOURS[self._hosts.index(host) % len(COLOURS)]}m{text}\x1b[0m"
        return f"{text} ".encode()


class Taking(Protocol):
    """What takes the bytes of one host's stream."""

    def take(self, data: bytes) -> None: ...
    def finish(self) -> None: ...


class _Whole:
    """Hands bytes on as they are."""

    def __init__(self, take: Sink) -> None:
        self.take = take

    def finish(self) -> None:
        """Nothing is kept back."""


class HostLines:
    """Cuts the bytes of one stream into lines, and writes each with its head before it."""

    def __init__(self, output: RemoteOutput, head: bytes) -> None:
        self._output = output
        self._head = head
        self._rest = bytearray()

    def take(self, data: bytes) -> None:
        """Take bytes as they come, cut anywhere.

        Raises:
            BrokenPipeError: when whoever read them went away.
        """
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        if len(rest) > _LONGEST:
            lines.append(rest)
            rest = bytearray()
        self._rest = rest
        if lines:
            self._output.write(b"".join(map(self._line, lines)))

    def finish(self) -> None:
        """Write a last line that has no newline."""
        if self._rest:
            self._output.write(self._line(self._rest))
            self._rest = bytearray()

    def _line(self, line: bytearray) -> bytes:
        if not self._output.shown:
            return self._head + bytes(line) + b"\n"
        text = printable(line.decode("utf-8", "replace"))
        return self._head + text.encode() + b"\n"
