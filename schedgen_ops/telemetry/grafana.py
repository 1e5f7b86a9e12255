"""The listener that makes annotations of a run, while its hosts can still be reached."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from schedgen_ops.errors import OpsError
from schedgen_ops.events import Event, Fact, RunFinished
from schedgen_ops.masking import Veil
from schedgen_ops.notify.addresses import address
from schedgen_ops.notify.run_summary import RunSummary
from schedgen_ops.remote import Remote
from schedgen_ops.settings.telemetry import Grafana
from schedgen_ops.telemetry.annotation import (
    Annotation,
    Verdict,
    checked,
    of_run,
    of_verdict,
    post,
    refusal,
    verdict,
)
from schedgen_ops.ui import failure

_NOT_MADE = "Grafana has no annotation of this run"


@dataclass(slots=True)
class Annotator:
    """Keeps what a run tells, and makes annotations of it once it is over.

    Attributes:
        hosts: those whose Grafana is told, without a gate: a run that lost its lock is told of too.
        by: who runs it.
        now: the time, in milliseconds since 1970.
        began: when the run began, by `now`.
        veil: masks what the run fetched.
    """

    grafana: Grafana
    hosts: Sequence[Remote]
    by: str
    now: Callable[[], int]
    began: int
    veil: Veil = field(default_factory=Veil)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _run: RunSummary = field(default_factory=RunSummary)
    _verdicts: list[Verdict] = field(default_factory=list)
    _end: RunFinished | None = None
    _failures: list[str] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        """Take an event."""
        self._run = self._run.after(event)
        if isinstance(event, Fact) and event.name == "guard.verdict":
            self._verdicts.append(verdict(event, self.now()))
        elif isinstance(event, RunFinished):
            self._end = event

    def over(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        """Make the annotations, no longer than the deadline: for an ExitStack, above the hosts' connections.

        How a run ended is told when they are closed; what ended it is known here.
        """
        ended = self.now()
        end = self._end
        if error is not None and failure.is_failure(error):
            end = failure.to_finish(self.veil.over(failure.of_exception(error)), (ended - self.began) / 1000)
        if end is None or not self._run.begins:
            return
        told = [of_run(self._run, end, self.by, self.began, ended)]
        told += [of_verdict(self._run, found) for found in self._verdicts]
        self._bounded(told)

    def _bounded(self, told: Sequence[Annotation]) -> None:
        if not self.hosts:
            self._failures.append(f"{_NOT_MADE}: it runs on none of these hosts")
            return
        until = time.monotonic() + self.grafana.deadline
        threads = [
            threading.Thread(target=self._tell, args=(host, told, until), name="annotating", daemon=True)
            for host in self.hosts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            self._failures.append(f"{_NOT_MADE}: no answer within {self.grafana.deadline} seconds")

    def _tell(self, host: Remote, told: Sequence[Annotation], until: float) -> None:
        try:
            token = checked(address(self.grafana, self.environ, self.grafana.deadline))
            for annotation in told:
                left = max(0.1, until - time.monotonic())
                command = post(self.grafana.url, annotation, token, left)
                answer = host.run(command, deadline=left + 1, check=False)
                if why := refusal(answer.stdout):
                    raise OpsError(why)
        except OpsError as error:
            self._failures.append(f"{_NOT_MADE} ({host.name}): {error.message}")
        except Exception as error:
            # Its text could have the token in it.
            self._failures.append(f"{_NOT_MADE} ({host.name}): unexpected {type(error).__name__}")

    def close(self) -> tuple[str, ...]:
        """Return what went wrong, in sentences."""
        return tuple(self._failures)
