"""What a host says of its logs, line by line, over connections that drop: nothing lost or doubled. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.looking.log_lines import LogLine, read
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What an operator wants of the logs.

    Attributes:
        services: only these; () for all.
        since: as `docker logs --since` takes it; "" for all there is.
        tail: how many lines of each container at most; "all" for all.
        pattern: an extended regular expression; "" for all lines.
        follow: whether to go on with what comes.
    """

    services: tuple[str, ...] = ()
    since: str = ""
    tail: str = "all"
    pattern: str = ""
    follow: bool = False


@dataclass(frozen=True, slots=True)
class ReaderNote:
    """What is no line of a log: `listed`, `live`, `end`, or `unread` with what the engine said."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """The newest time that was told of a container, and how many lines have it."""

    at: str
    count: int


@dataclass(frozen=True, slots=True)
class _Source:
    id: str
    service: str
    name: str


class LogReader:
    """Reads one host's answer to `command`, and to the next one when the connection was lost.

    Attributes:
        services: those that have a container there.
    """

    def __init__(self, host: str, query: LogQuery) -> None:
        self.host = host
        self.services: set[str] = set()
        self._query = query
        self._at = ""
        self._live = False
        self._sources: dict[str, _Source] = {}
        self._told: dict[str, _Told] = {}
        self._skipped: dict[str, _Told] = {}

    @property
    def begun(self) -> bool:
        """Whether the host has said anything."""
        return bool(self._at)

    def command(self, settings: Settings) -> Command:
        """Return what to ask next: at first what the operator wants, later what was not told yet."""
        query = self._query
        if self._live:
            # What had nothing to tell until then may have since.
            query = replace(query, since=self._at, tail="all")
        self._skipped = dict(self._told)
        return host_script(
            "looking/logs",
            title="docker logs",
            docker=Docker(settings.sudo).words,
            filter=f"label={PROJECT_LABEL}={settings.project}",
            services=query.services,
            since=query.since,
            tail=query.tail,
            pattern=_anchored(query.pattern),
            follow="yes" if query.follow else "no",
            known=[f"{name} {told.at}" for name, told in self._told.items()],
        )

    def take(self, line: str) -> LogLine | ReaderNote | None:
        """Return what a line of the host's answer says; None for nothing new."""
        head, _, rest = line.partition(" ")
        if head[:1].isdigit():
            return self._line(head, *rest.partition(" ")[::2])
        match head:
            case "at":
                self._at = self._at or rest
            case "container":
                number, name, service, container = (*rest.split(" ", 3), "", "", "")[:4]
                self._sources[number] = _Source(name, service, container)
                self.services.add(service)
            case "again":
                if source := self._sources.get(rest):
                    self._skip(source.id)
            case "listed" | "end":
                return ReaderNote(head)
            case "live":
                self._live = True
                for name in self._told:
                    self._skip(name)
                return ReaderNote(head)
            case _ if line.strip() and self.begun:
                return ReaderNote("unread", line)
        return None

    def _line(self, at: str, number: str, text: str) -> LogLine | ReaderNote | None:
        source = self._sources.get(number)
        if source is None:
            return None
        try:
            found = read(at, self.host, source.service, source.name, text)
        except ValueError:
            return ReaderNote("unread", text)
        return None if self._is_told(source.id, at) else found

    def _skip(self, name: str) -> None:
        if name in self._told:
            self._skipped[name] = self._told[name]

    def _is_told(self, name: str, at: str) -> bool:
        skipped = self._skipped.get(name)
        if skipped is not None:
            if at < skipped.at:
                return True
            if at == skipped.at and skipped.count:
                self._skipped[name] = _Told(at, skipped.count - 1)
                return True
            if at > skipped.at:
                del self._skipped[name]
        told = self._told.get(name)
        if told is None or at > told.at:
            self._told[name] = _Told(at, 1)
        elif at == told.at:
            self._told[name] = _Told(at, told.count + 1)
        return False


def _anchored(pattern: str) -> str:
    """A pattern for the line with its time in front: what is to begin the text comes behind that."""
    return f"^[^ ]+ {pattern[1:]}" if pattern.startswith("^") else pattern
