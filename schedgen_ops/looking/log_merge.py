"""Lines of several hosts put in the order of their times, with few of them in memory. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from schedgen_ops.looking.log_lines import LogLine

# Seconds that a line which has just been written waits for others that were written before it.
WINDOW = 0.4
# Seconds that the other hosts' lines wait for a host which says nothing.
PATIENCE = 5.0
# Lines of one host that are in memory.
ROOM = 1000


@dataclass(slots=True)
class _Source:
    last: float
    live: bool = False
    ended: bool = False
    waiting: int = 0


@dataclass(slots=True)
class Merger:
    """Takes lines of several hosts, and gives them back in order.

    A host that tells of the past tells it in order: a line goes as soon as every such host has one. One that
    tells of the present has no order yet: a line waits a moment for others.

    Args:
        names: the hosts.
        now: seconds on a clock that never goes back.
    """

    names: tuple[str, ...]
    now: float
    _sources: dict[str, _Source] = field(default_factory=dict)
    _heap: list[tuple[int, int, float, LogLine]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self._sources = {name: _Source(self.now) for name in self.names}

    def add(self, line: LogLine, now: float) -> None:
        """Take a line that came `now`."""
        source = self._sources[line.host]
        source.last = now
        source.waiting += 1
        self._count += 1
        heappush(self._heap, (line.at, self._count, now, line))

    def live(self, name: str) -> None:
        """Note that a host has told of the past."""
        self._sources[name].live = True

    def end(self, name: str) -> None:
        """Note that no more comes from a host."""
        self._sources[name].ended = True

    def has_room(self, name: str) -> bool:
        """Return whether further lines of a host may be added."""
        return self._sources[name].waiting < ROOM

    def take(self, now: float) -> Iterator[LogLine]:
        """Return the lines that may go."""
        while self._heap and not self._has_to_wait(now):
            _, _, _, line = heappop(self._heap)
            self._sources[line.host].waiting -= 1
            yield line

    @property
    def empty(self) -> bool:
        """Whether no line waits."""
        return not self._heap

    def _has_to_wait(self, now: float) -> bool:
        _, _, came, line = self._heap[0]
        mine = self._sources[line.host]
        if mine.live and not mine.ended and now - came < WINDOW and mine.waiting < ROOM:
            return True
        return any(
            not (source.live or source.ended or source.waiting) and now - source.last < PATIENCE
            for source in self._sources.values()
        )
