"""One run's face: takes events from many threads, shows them, and keeps the log and the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import RLock
from traceback import format_exception
from types import TracebackType
from typing import Self, TextIO

from schedgen_ops.errors import OpsError
from schedgen_ops.events import Event, Message, RunFinished
from schedgen_ops.masking import Veil
from schedgen_ops.shell import Secret
from schedgen_ops.ui import prompt
from schedgen_ops.ui.clock import DisplayClock
from schedgen_ops.ui.failure import Failure, failure_lines, is_failure, of_exception, of_finish
from schedgen_ops.ui.listening import Listener, Listeners
from schedgen_ops.ui.records import Records
from schedgen_ops.ui.renderer import Renderer, Unbroken
from schedgen_ops.ui.run_progress import RunProgress
from schedgen_ops.ui.tables import Table


class Ui:
    """The context manager that `open_ui` returns.

    Args:
        renderer: shows the run.
        fallback: makes the renderer that takes over should the first one break: no display stops a deploy.
        log_dir: where each run leaves a log and a journal; None keeps neither.
        stdin: where answers come from.
        questions: where questions go.

    Attributes:
        contacts: whom to call when a run failed and needs a person, in words.
        remedies: the commands that mend what was found after a run failed, in words.
        veil: what a run fetched that nothing shows: display, log, journal, listeners.
    """

    def __init__(
        self,
        renderer: Renderer,
        fallback: Callable[[], Renderer] | None,
        *,
        log_dir: Path | None,
        clock: DisplayClock,
        stdin: TextIO,
        questions: TextIO,
    ) -> None:
        self._display = Unbroken(renderer, fallback, self._aside)
        self._records = Records(log_dir, clock, self._aside)
        self._listeners = Listeners(self._aside)
        self._clock = clock
        self._stdin = stdin
        self._questions = questions
        self._lock = RLock()
        self._asking = RLock()
        self._held: list[Event] | None = None
        self._progress = RunProgress()
        self._told = False
        self.contacts: tuple[str, ...] = ()
        self.remedies: tuple[str, ...] = ()
        self.veil = Veil()

    @property
    def log_path(self) -> Path | None:
        """The run's log, once the run has started."""
        return self._records.log_path

    @property
    def journal_path(self) -> Path | None:
        """The run's journal, once the run has started."""
        return self._records.journal_path

    def emit(self, event: Event) -> None:
        """Show and keep `event`; safe to call from any thread, never raises for a display or a disk."""
        event = self.veil.over(event)
        with self._lock:
            self._progress = self._progress.after(event, self._clock.monotonic())
            self._records.handle(event)
            self._display.now.log = self._records.log_path
            if self._held is None:
                self._render(event)
            else:
                self._held.append(event)
            self._listeners.handle(event)

    def listen(self, listener: Listener, end: Callable[[], Iterable[str]]) -> None:
        """Tell a listener all that comes of this run.

        Args:
            end: is called after the run's last event; what it returns are warnings.
        """
        with self._lock:
            self._listeners.add(listener, end)

    def left(self, name: str, path: Path) -> None:
        """Say which file the run leaves.

        Args:
            name: what it is, such as "Report".
        """
        with self._lock:
            self._display.do(lambda renderer: renderer.left(name, path))

    def _aside(self, text: str) -> None:
        self._display.now.aside(self.veil.text(text))

    def _render(self, event: Event) -> None:
        self._display.do(lambda renderer: renderer.handle(event))
        if isinstance(event, RunFinished) and event.code:
            self._tell(of_finish(event))

    def _tell(self, failure: Failure) -> None:
        self._told = True
        if failure.code == OpsError.exit_code:
            failure = replace(failure, call=self.contacts)
        failure = replace(failure, doctor=tuple(map(self.veil.text, self.remedies)))
        self._display.do(lambda renderer: renderer.fail(failure))

    def fail(self, error: BaseException) -> None:
        """Show what ended the run, once: nothing if a RunFinished event has told it already.

        An error that is no OpsError is a defect: its traceback goes to the log, not to the operator.
        """
        with self._lock:
            if self._told:
                return
            failure = self.veil.over(of_exception(error))
            if not isinstance(error, OpsError | KeyboardInterrupt):
                self._records.note(*self.veil.text("".join(format_exception(error))).splitlines())
            closing = self._progress.closing(failure, self._clock.monotonic())
            for event in closing:
                self.emit(event)
            if not closing:
                self._records.note(*failure_lines(failure))
                self._tell(failure)

    def show(self, table: Table) -> None:
        """Print a result on stdout, or put it into the JSON document."""
        with self._lock:
            self._display.now.show(self.veil.over(table))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Draw nothing meanwhile; what happens is kept, and shown afterwards."""
        with self._asking:
            if self._held is not None:  # a pause within a pause: the outer one ends it
                yield
                return
            self._hold()
            try:
                yield
            finally:
                self._release()

    def _hold(self) -> None:
        with self._lock:
            self._held = []
            self._display.now.pause()

    def _release(self) -> None:
        with self._lock:
            held, self._held = self._held or (), None
            for event in held:
                self._render(event)
            self._display.now.resume()

    def confirm(self, question: str, *notes: str, yes: bool = False) -> bool:
        """Return whether the operator typed `yes`; `yes` (the option --yes) answers for them.

        Args:
            notes: lines to read before answering.

        Raises:
            ConfigError: if there is no terminal to ask on.
        """
        if yes:
            return True
        with self.paused():
            return prompt.confirm(question, stdin=self._stdin, out=self._questions, notes=notes)

    def choose(self, question: str, options: Sequence[str]) -> str:
        """Return which of the options the operator chose; "" for none, and where there is no terminal."""
        if not prompt.has_terminal(self._stdin):
            return ""
        with self.paused():
            return prompt.choose(question, options, stdin=self._stdin, out=self._questions)

    def interject(self, question: str, over: Callable[[], bool]) -> bool:
        """Return whether the operator says yes to a question that came up while a run goes on.

        Args:
            over: whether the question has no meaning any more.
        """
        if not prompt.has_terminal(self._stdin):
            self.emit(
                Message("warn", f"A signal was passed over, there is no terminal to ask on: {question}")
            )
            return False
        with self.paused():
            return prompt.interject(question, stdin=self._stdin, out=self._questions, over=over)

    def secret(self, question: str) -> Secret:
        """Ask for a passphrase, typed unseen; any thread may ask, one at a time.

        Raises:
            ConfigError: if there is no terminal to ask on.
        """
        with self.paused():
            return prompt.secret(question, stdin=self._stdin)

    def close(self) -> None:
        """End the display and the files."""
        with self._lock:
            try:
                # A terminal that is gone cannot be put in order, and that is no failure of the run.
                with suppress(OSError):
                    self._display.now.close()
            finally:
                self._records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None and is_failure(error):
                self.fail(error)
            # How it ended was told: nobody waits for a listener before that.
            for text in self._listeners.close():
                self._records.note(self.veil.text(f"[WARN] {text}"))
                self._aside(text)
        finally:
            self.close()
