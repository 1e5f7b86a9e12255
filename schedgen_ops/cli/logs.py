"""What `inv logs` does with an operation."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from schedgen_ops import events
from schedgen_ops.cli.choosing import named
from schedgen_ops.cli.looking import conclude
from schedgen_ops.errors import CommandFailed, ConfigError, OpsError, Refused
from schedgen_ops.looking.log_feed import Happened, merged
from schedgen_ops.looking.log_lines import LogLine, at_least, level_named
from schedgen_ops.looking.log_reader import LogQuery
from schedgen_ops.looking.services import known_services
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.task_run import Operation
from schedgen_ops.text import seconds
from schedgen_ops.ui.log_view import LogView
from schedgen_ops.ui.tables import Table

# Without a word on how much: the end of each log.
_TAIL = "100"
# What a document may hold.
_MOST = 20_000
_BAD_PATTERN = 64
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The options of `inv logs`, as they were typed."""

    services: Sequence[str] = ()
    since: str = ""
    tail: int = 0
    grep: str = ""
    level: str = ""
    follow: bool = False


def show(op: Operation, asked: LogOptions) -> None:
    """Show what the services logged, of all hosts in the order of time.

    Raises:
        ConfigError: for options that mean nothing, and a service that is nowhere.
    """
    level, query = _level(asked.level), query_of(asked)
    if asked.follow and op.options.json:
        raise ConfigError("--json ends with one document, --follow has no end", hint="Leave one of them out.")
    showing = _Showing(op, query, level)
    try:
        with closing(merged(op.fleet.hosts, op.settings, query)) as coming:
            for what in coming:
                showing.take(what)
                if showing.over:
                    break
    except KeyboardInterrupt:
        if not asked.follow:
            raise
    showing.end()


def query_of(asked: LogOptions) -> LogQuery:
    """Return what to ask the hosts.

    Raises:
        ConfigError: for options that mean nothing.
    """
    if asked.tail < 0:
        raise ConfigError("--tail is a number of lines above 0")
    try:
        since = f"{seconds(asked.since):g}s" if asked.since else ""
    except ValueError:
        raise ConfigError(
            f"--since {asked.since!r} is no time span", hint="For example 90s, 10m, 2h, 1d."
        ) from None
    tail = str(asked.tail) if asked.tail else "all" if since else _TAIL
    return LogQuery(named(asked.services), since, tail, asked.grep, asked.follow)


def _level(text: str) -> str:
    try:
        return level_named(text) if text else "debug"
    except ValueError as error:
        raise ConfigError(str(error)) from None


@dataclass
class _Showing:
    """What comes is shown, and what is missing is kept for the end."""

    op: Operation
    query: LogQuery
    level: str
    over: bool = False
    rows: list[tuple[object, ...]] = field(default_factory=list)
    listed: dict[str, frozenset[str]] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.view = LogView(sys.stdout, len(self.op.fleet) > 1)

    def take(self, what: LogLine | Happened) -> None:
        if isinstance(what, Happened):
            self._happened(what)
        elif at_least(what, self.level):
            self._show(what)

    def _show(self, line: LogLine) -> None:
        if not self.op.options.json:
            self.view.line(line.at, line.host, self._source(line), line.level, line.text)
            self.over = self.view.gone
            return
        at = f"{datetime.fromtimestamp(line.at // _SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{line.at % _SECOND:09d}Z"
        self.rows.append((line.host, line.service, line.container, at, line.level, line.text))
        if len(self.rows) > _MOST:
            hint = "Say less with --since or --tail; without --json there is no limit."
            raise Refused(f"there are more than {_MOST:,} lines, too many for one document", hint=hint)

    def _source(self, line: LogLine) -> str:
        """The service; with a number where it is not the first of its containers."""
        ours = line.container.removeprefix(f"{self.op.settings.project}-{line.service}-")
        return f"{line.service}-{ours}" if ours.isdecimal() and ours != "1" else line.service

    def _happened(self, what: Happened) -> None:
        match what.kind:
            case "listed":
                self.listed[what.host] = what.services
                self.view.make_room(what.host, self.query.services or what.services)
                self._check()
            case "unread":
                events.warn(self.op.emit, f"Not a line of a log: {what.text}", what.host)
            case "lost":
                events.warn(self.op.emit, f"The connection was lost, trying again: {what.text}", what.host)
            case "back":
                events.info(self.op.emit, "The connection is back", what.host)
            case _:
                self._failed(what.host, what.error or OpsError(what.text, host=what.host))

    def _failed(self, host: str, error: Exception) -> None:
        if isinstance(error, CommandFailed):
            if error.code == _BAD_PATTERN:
                raise ConfigError(
                    f"--grep {self.query.pattern!r} is no extended regular expression"
                ) from None
            error.exit_code = Refused.exit_code
        self.errors[host] = error
        if isinstance(error, OpsError):
            alone = len(self.op.fleet) == 1
            self.op.emit(events.HostMissing(host, error.message, error.hint, error.exit_code, alone))
        self._check()

    def _check(self) -> None:
        """A service that no host has is a slip; who does not answer may have it."""
        if self.errors or len(self.listed) < len(self.op.fleet):
            return
        known_services(self.query.services, chain.from_iterable(self.listed.values()), self.op.settings)

    def end(self) -> None:
        if self.op.options.json:
            columns = ("Host", "Service", "Container", "At", "Level", "Text")
            self.op.ui.show(Table(columns, tuple(self.rows)))
        conclude(Outcomes(self.listed, self.errors))
