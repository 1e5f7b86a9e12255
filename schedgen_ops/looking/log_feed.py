"""The logs of several hosts at the same time, each over a connection that may drop, merged as they come."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from schedgen_ops.errors import ConnectionLost, OpsError, Unreachable
from schedgen_ops.looking.log_lines import LogLine
from schedgen_ops.looking.log_merge import ROOM, Merger
from schedgen_ops.looking.log_reader import LogQuery, LogReader, ReaderNote
from schedgen_ops.remote import Remote, RemoteProcess
from schedgen_ops.settings import Settings
from schedgen_ops.workers import Worker

_LONGEST = 24 * 3600.0
_TICK = 0.1
# Seconds within which all has come of a process that has ended.
_REST = 3.0
_PAUSES = (0.5, 1.0, 2.0, 5.0)
# Attempts in a row for what has an end.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Happened:
    """What is no line: `listed` with the services, `unread`, `lost`, `back`, or `failed` with its error."""

    host: str
    kind: str
    text: str = ""
    services: frozenset[str] = frozenset()
    error: Exception | None = None


@dataclass
class LogFeed:
    """One host's logs, put into a queue by threads of its own; a full queue holds the host back."""

    remote: Remote
    settings: Settings
    query: LogQuery
    stop: threading.Event
    news: threading.Event
    queue: queue.Queue[LogLine | Happened | ReaderNote] = field(default_factory=lambda: queue.Queue(ROOM))

    def __post_init__(self) -> None:
        self.name = self.remote.name
        self._reader = LogReader(self.name, self.query)
        self._ended = threading.Event()
        self._heard = 0
        self._lost = False

    def start(self) -> None:
        """Begin, in a thread."""
        self._worker = Worker(self._run, f"logs {self.name}")
        self._worker.start()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, at most so many seconds."""
        self._worker.join(seconds)

    def _run(self) -> None:
        try:
            self._ask_until_the_end()
        except Exception as error:
            self._put(Happened(self.name, "failed", error=error))
        self._put(ReaderNote("over"))

    def _ask_until_the_end(self) -> None:
        failures = 0
        while not self.stop.is_set() and not self._ended.is_set():
            before = self._heard
            try:
                self._ask()
            except Unreachable as error:
                failures = 1 if self._heard > before else failures + 1
                if not self._reader.begun or (not self.query.follow and failures > _TRIES):
                    raise
                self._tell_lost(error)
                self.stop.wait(_PAUSES[min(failures, len(_PAUSES)) - 1])

    def _tell_lost(self, error: OpsError) -> None:
        if not self._lost:
            self._put(Happened(self.name, "lost", error.message))
        self._lost = True

    def _ask(self) -> None:
        command = self._reader.command(self.settings)
        process = self.remote.hold(command, deadline=_LONGEST, on_line=self._hear)
        try:
            self._wait_for(process)
        finally:
            process.close()
        if not self._ended.is_set() and not self.stop.is_set():
            raise ConnectionLost("the connection was lost while it told its logs", host=self.name)

    def _wait_for(self, process: RemoteProcess) -> None:
        while process.alive and not self.stop.is_set():
            if self._ended.wait(_TICK):
                return
        heard, until = -1, monotonic() + _REST
        while not self._ended.wait(_TICK) and not self.stop.is_set() and monotonic() < until:
            if heard != self._heard:
                heard, until = self._heard, monotonic() + _REST

    def _hear(self, line: str) -> None:
        if self.stop.is_set():
            return
        found = self._reader.take(line)
        match found:
            case ReaderNote(kind="listed"):
                self._listed()
            case ReaderNote(kind="end"):
                self._ended.set()
            case ReaderNote(kind="unread"):
                self._put(Happened(self.name, "unread", found.text))
            case LogLine() | ReaderNote():
                self._put(found)
        self._heard += 1

    def _listed(self) -> None:
        if self._lost:
            self._put(Happened(self.name, "back"))
        self._lost = False
        self._put(Happened(self.name, "listed", services=frozenset(self._reader.services)))

    def _put(self, what: LogLine | Happened | ReaderNote) -> None:
        while not self.stop.is_set():
            try:
                self.queue.put(what, timeout=_TICK)
            except queue.Full:
                continue
            self.news.set()
            return


def merged(
    hosts: Sequence[Remote],
    settings: Settings,
    query: LogQuery,
    now: Callable[[], float] = monotonic,
) -> Generator[LogLine | Happened]:
    """Return the lines of all hosts in the order of their times, and what else happens, as it comes.

    Whoever stops to ask for more ends what runs on the hosts (`close` of the generator).
    """
    stop, news = threading.Event(), threading.Event()
    feeds = [LogFeed(host, settings, query, stop, news) for host in hosts]
    merger = Merger(tuple(feed.name for feed in feeds), now())
    for feed in feeds:
        feed.start()
    try:
        left = list(feeds)
        while left or not merger.empty:
            news.clear()
            for feed in tuple(left):
                yield from _drained(feed, merger, left, now)
            yield from merger.take(now())
            if all(feed.queue.empty() or not merger.has_room(feed.name) for feed in left):
                news.wait(_TICK if left else _TICK / 4)
    finally:
        stop.set()
        for feed in feeds:
            feed.join(_REST)


def _drained(
    feed: LogFeed, merger: Merger, left: list[LogFeed], now: Callable[[], float]
) -> Iterator[Happened]:
    while merger.has_room(feed.name):
        try:
            what = feed.queue.get_nowait()
        except queue.Empty:
            return
        match what:
            case LogLine():
                merger.add(what, now())
            case ReaderNote(kind="live"):
                merger.live(feed.name)
            case ReaderNote(kind="over"):
                merger.end(feed.name)
                left.remove(feed)
                return
            case Happened():
                yield what
