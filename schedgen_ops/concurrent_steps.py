"""A step that runs beside those that come after it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event

from schedgen_ops.steps import Step
from schedgen_ops.workers import Worker

# What was asked to end is asked again after so many seconds, and so often: it may have begun another command.
_AGAIN, _TIMES = 2.0, 30


class Beside:
    """A step in a thread of its own. Until it is `heard`, its failure ends what runs on the hosts."""

    def __init__(
        self, step: Step, run: Callable[[], None], interrupt: Callable[[], None], heard: Event
    ) -> None:
        self.step = step
        self.error: BaseException | None = None
        self._run = run
        self._interrupt = interrupt
        self._heard = heard
        self._thread = Worker(self._work, step.title)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.error = error
            while not self._heard.is_set():
                with suppress(Exception):
                    self._interrupt()
                self._heard.wait(_AGAIN)

    def join(self) -> None:
        """Wait until the step has ended."""
        self._thread.join()

    def end(self) -> None:
        """End the step, if it still runs."""
        ended(self._thread, self._interrupt)


def ended(worker: Worker, interrupt: Callable[[], None]) -> None:
    """End what a thread does; leave it behind, stopped, where the hosts do not answer any more."""
    for _ in range(_TIMES):
        with suppress(Exception, KeyboardInterrupt):
            if not worker.is_alive():
                return
            interrupt()
            worker.join(_AGAIN)
    worker.stopped = True
