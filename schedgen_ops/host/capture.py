"""What is kept of a command's output: all of it up to a limit, or lines as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from schedgen_ops import wire
from schedgen_ops.masking import mask
from schedgen_ops.remote import TAIL
from schedgen_ops.shell import Command

_LINE_LIMIT = 64 * 1024


class Capture:
    """Collects both streams; bytes beyond `limit` are read and dropped, so that the command can end."""

    def __init__(self, limit: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.overflown = False
        self._left = limit

    def out(self, data: bytes) -> None:
        """Take bytes of stdout."""
        self._keep(self.stdout, data)

    def err(self, data: bytes) -> None:
        """Take bytes of stderr."""
        self._keep(self.stderr, data)

    def _keep(self, store: bytearray, data: bytes) -> None:
        store += data[: max(0, self._left)]
        self._left -= len(data)
        self.overflown = self._left < 0


class Bytes:
    """Hands over the bytes of stdout after their start mark and keeps none; keeps the start of stderr."""

    def __init__(self, mark: bytes, sink: Callable[[bytes], object]) -> None:
        self.begun = False
        self.before = bytearray()
        self.kept = Capture(_LINE_LIMIT)
        self.err = self.kept.err
        self._mark = mark
        self._sink = sink

    def out(self, data: bytes) -> None:
        """Take bytes as they come, cut anywhere."""
        if not self.begun:
            self.before += data
            before, found, data = bytes(self.before).partition(self._mark)
            self.begun = bool(found)
            if not found:
                return
            self.before = bytearray(before)
        if data:
            self._sink(data)

    @property
    def stderr(self) -> str:
        """What the command said on stderr, without its start mark."""
        return wire.text(bytes(self.kept.stderr).rpartition(self._mark)[2])


class Lines:
    """Hands over whole lines of both streams after their start marks, and keeps the last ones of each."""

    def __init__(self, command: Command, mark: bytes, on_line: Callable[[str], None]) -> None:
        self._out = _Stream(command, mark, on_line)
        self._err = _Stream(command, mark, on_line)
        self.out = self._out.take
        self.err = self._err.take

    @property
    def begun(self) -> bool:
        """Whether the command was reached."""
        return self._out.begun

    @property
    def banner(self) -> bytes:
        """What stood before it."""
        return bytes(self._out.before + self._err.before)

    @property
    def first(self) -> str | None:
        """The first line of stdout, however many came after it; None before there is one."""
        return self._out.first

    @property
    def stdout(self) -> str:
        """The last lines of stdout."""
        return "".join(f"{line}\n" for line in self._out.last)

    @property
    def stderr(self) -> str:
        """The last lines of stderr."""
        return "".join(f"{line}\n" for line in self._err.last)

    def finish(self) -> None:
        """Hand over what had no newline at the end."""
        self._out.finish()
        self._err.finish()


class _Stream:
    def __init__(self, command: Command, mark: bytes, on_line: Callable[[str], None]) -> None:
        self.begun = False
        self.before = bytearray()
        self.first: str | None = None
        self.last: deque[str] = deque(maxlen=TAIL)
        self._rest = bytearray()
        self._command = command
        self._mark = mark
        self._on_line = on_line

    def take(self, data: bytes) -> None:
        """Take bytes as they come, cut anywhere."""
        if not self.begun:
            self.before += data
            before, found, after = bytes(self.before).partition(self._mark)
            if not found:
                return
            self.begun = True
            self.before = bytearray(before)
            data = after
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += rest
        if len(self._rest) > _LINE_LIMIT:
            lines.append(bytes(self._rest))
            self._rest.clear()
        for line in lines:
            self._hand_over(line)

    def finish(self) -> None:
        """Hand over a last line without a newline."""
        if self._rest:
            self._hand_over(bytes(self._rest))
            self._rest.clear()

    def _hand_over(self, line: bytes) -> None:
        # A progress bar redraws its line with carriage returns: the last drawing is the line.
        shown = wire.text(line).rstrip("\r").rpartition("\r")[2]
        shown = mask(self._command, shown)
        if self.first is None:
            self.first = shown
        self.last.append(shown)
        self._on_line(shown)
