"""One run as a task sees it: the environment's settings, its hosts, and the ui to tell and to ask."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from schedgen_ops import loading
from schedgen_ops.clock import Clock, SystemClock
from schedgen_ops.errors import ConfigError
from schedgen_ops.events import Emit, Fact, Message, RunFinished, RunStarted
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.text import seconds
from schedgen_ops.ui import open_ui

# A team's tasks.py imports Operation from here for its annotations: that must not cost what a run costs.
if TYPE_CHECKING:
    from schedgen_ops.fleet import Fleet
    from schedgen_ops.host_context import HostContext
    from schedgen_ops.lock.patience import Patience
    from schedgen_ops.remote import Remote
    from schedgen_ops.settings import Settings
    from schedgen_ops.ui.session import Ui

# Where spans go to, if they go anywhere: without one nothing of that is imported.
_TRACED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """What every task can be told."""

    env: str = ""
    hosts: str = ""
    json: bool = False
    log_level: str = "info"
    yes: bool = False
    wait: str = ""


@dataclass
class Operation:
    """What a task works with. Settings are read, and hosts connected to, when they are first needed.

    Attributes:
        started: when it began, in UTC.
    """

    options: Options
    ui: Ui
    clock: Clock = field(default_factory=SystemClock)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.started: datetime = self.clock.now()
        self._began = self.clock.monotonic()

    @property
    def emit(self) -> Emit:
        """The function that tells the ui of an event."""
        return self.ui.emit

    @property
    def run(self) -> str:
        """The run's name: its start, as DATE_TIME in UTC."""
        return f"{self.started:%Y%m%d_%H%M%S}"

    @cached_property
    def patience(self) -> Patience:
        """How long to wait for a lock that somebody else holds.

        Raises:
            ConfigError: where --wait says no time.
        """
        from schedgen_ops.lock.patience import Patience

        try:
            return Patience(seconds(self.options.wait or "0"), self.clock, self.emit)
        except ValueError:
            text = f"--wait {self.options.wait!r} is no time"
            raise ConfigError(text, hint="For example --wait 90s, 10m or 1h30m.") from None

    @cached_property
    def settings(self) -> Settings:
        """The settings of the environment.

        Raises:
            ConfigError: with every problem of its file.
        """
        return loading.load(self.options.env or None, root=Path.cwd())

    @property
    def config_folder(self) -> Path:
        """Where the environment's config file is."""
        return loading.files.find_folder(Path.cwd(), os.environ, self.settings.environment)

    @cached_property
    def fleet(self) -> Fleet:
        """The hosts that were chosen, not connected yet.

        Raises:
            ConfigError: for a host that is not in the environment.
        """
        from schedgen_ops.fleet import Fleet
        from schedgen_ops.host import connect_all

        settings = self.settings
        names = _chosen(self.options.hosts, tuple(host.name for host in settings.hosts))
        entries = [host for host in settings.hosts if host.name in names]
        hosts = connect_all(settings, entries, prompt=self.ui.secret)
        for note in getattr(hosts[0], "notes", ()) if hosts else ():
            self.emit(Message("warn", note))
        return self._stack.enter_context(Fleet(hosts, self.emit))

    def elsewhere(self, environment: str) -> Operation:
        """The same run's view of another environment: its settings, and all of its hosts.

        Args:
            environment: the name of a file in config/.
        """
        options = replace(self.options, env=environment, hosts="")
        return Operation(options, self.ui, self.clock, self._stack)

    def context(self, remote: Remote) -> HostContext:
        """Return one of the hosts with what is needed to work there."""
        from schedgen_ops.host_context import HostContext

        return HostContext(remote, self.settings, self.clock, self.emit)

    def begin(
        self,
        command: str,
        title: str,
        facts: tuple[tuple[str, str], ...] = (),
        steps: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Open the run's log and journal, and tells what comes."""
        hosts = self.fleet.names
        self.ui.contacts = tuple(f"{one.name}: {one.contact}" for one in self.settings.escalation)
        self._leave_marks()
        self._listen()
        self.emit(RunStarted(command, self.run, self.settings.environment, title, hosts, facts, steps))
        if self.settings.notify.to:
            self.emit(Fact("receivers", len(self.settings.notify.to)))

    def _listen(self) -> None:
        """The team is told of what comes; when that is over, the run leaves its report."""
        from schedgen_ops.run_report.reporter import Reporter

        tell_the_rest = self._tell_the_team()
        reporter = Reporter(lambda: self.ui.journal_path, self.clock.now)

        def end() -> Iterator[str]:
            undelivered = tell_the_rest()
            yield from undelivered
            try:
                if report := reporter.write(undelivered):
                    self.ui.left("Report", report)
            except OSError as error:
                yield f"The report cannot be written: {error.strerror or error}"

        self.ui.listen(reporter.handle, end)

    def _tell_the_team(self) -> Callable[[], tuple[str, ...]]:
        """Return the function that waits for what is on its way, and tells what did not arrive."""
        if not self.settings.notify.to:
            return tuple
        from schedgen_ops.notify import team

        folder = log_folder(self.settings.environment)
        notifier = team.notifier(self.settings, self.clock, folder, lambda: self.ui.log_path)
        self.ui.listen(notifier.handle, tuple)
        return notifier.close

    def _leave_marks(self) -> None:
        if grafana := self.settings.grafana:
            from schedgen_ops.telemetry import marks

            annotator = marks.annotator(grafana, self.settings, self.fleet, self.clock)
            self.ui.listen(annotator.handle, annotator.close)
            self._stack.push(annotator.over)
        if any(os.environ.get(name) for name in _TRACED):
            from schedgen_ops.telemetry import otel

            if otel.wanted(os.environ):
                tracer = otel.Tracer(os.environ)
                self.ui.listen(tracer.handle, tracer.close)

    def titled(self, title: str, host: str) -> str:
        """Return `title`, with the host's name before it where there are several hosts."""
        return title if len(self.fleet) == 1 else ": ".join(filter(None, (host, title)))

    def log_of(self, command: str, run: str) -> str:
        """Return the log that a run left on this machine, "" for none. `run` may be a release's id."""
        from schedgen_ops.ui.journal import run_name

        path = log_folder(self.settings.environment) / f"{run_name(command, run[:15])}.log"
        return str(path) if path.exists() else ""

    def end(self, title: str, message: str = "", facts: tuple[tuple[str, str], ...] = ()) -> None:
        """Say that the run went well: after the fact, never before."""
        seconds = self.clock.monotonic() - self._began
        self.emit(RunFinished(0, title, seconds, message, facts=facts))


@contextmanager
def opened(options: Options) -> Iterator[Operation]:
    """Open an operation; whatever ends it is shown and logged before it goes on to the caller."""
    environment = options.env or os.environ.get("SCHEDGEN_ENV") or loading.DEFAULT
    folder = log_folder(environment)
    with (
        INTERRUPTS.installed(),
        _ui(options, folder) as ui,
        INTERRUPTS.answered_by(ui.interject),
        _stack() as stack,
    ):
        yield Operation(options, ui, _stack=stack)


def _ui(options: Options, folder: Path) -> Ui:
    try:
        return open_ui(options.json, options.log_level, folder, _estimates(folder))
    except ConfigError as error:
        from schedgen_ops.ui import failure

        failure.show(error)
        raise


@contextmanager
def _stack() -> Iterator[ExitStack]:
    """Closes connections at the end; how the run ended is decided then, whatever signal comes."""
    stack = ExitStack()
    try:
        yield stack
    except BaseException as error:
        with INTERRUPTS.kept():
            # Grafana is told what ended the run while its hosts can still be reached.
            stack.__exit__(type(error), error, error.__traceback__)
        raise
    with INTERRUPTS.kept():
        stack.close()


def log_folder(environment: str) -> Path:
    """Return where runs on an environment leave their logs, on this machine (XDG's place for state)."""
    base = os.environ.get("SCHEDGEN_STATE") or os.environ.get("XDG_STATE_HOME")
    root = Path(base).expanduser() if base else Path.home() / ".local" / "state"
    name = environment if _SAFE_NAME.match(environment) else "unknown"
    return root / "schedgen" / name


def _estimates(folder: Path) -> dict[str, float]:
    # Only a live view has use for them.
    if not sys.stdout.isatty():
        return {}
    from schedgen_ops.ui.journal import journals, step_seconds

    return step_seconds(journals(folder, "deploy", 5))


def _chosen(wanted: str, names: tuple[str, ...]) -> tuple[str, ...]:
    if not wanted:
        return names
    chosen = tuple(part.strip() for part in wanted.split(",") if part.strip())
    unknown = [name for name in chosen if name not in names]
    if unknown or not chosen:
        raise ConfigError(
            f"no host {', '.join(unknown) or wanted!r} in this environment",
            hint=f"There are: {', '.join(names)}.",
        )
    return chosen
