"""Where a run is: enough to close what is open when something ends it early. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops.events import Event, RunFinished, RunStarted, StepFailed, StepFinished, StepStarted
from schedgen_ops.ui.failure import Failure, to_finish


@dataclass(frozen=True, slots=True)
class Course:
    """The open run and the open step, each with when it began in seconds on the monotonic clock."""

    run: RunStarted | None = None
    run_at: float = 0.0
    step: StepStarted | None = None
    step_at: float = 0.0

    def after(self, event: Event, now: float) -> Course:
        """The course after `event`, which came at `now`."""
        match event:
            case RunStarted():
                return Course(event, now)
            case StepStarted():
                return replace(self, step=event, step_at=now)
            case StepFinished() | StepFailed():
                return replace(self, step=None)
            case RunFinished():
                return Course()
            case _:
                return self

    def closing(self, failure: Failure, now: float) -> tuple[Event, ...]:
        """The events that end what is open: each start gets its finish. None if no run is open."""
        if self.run is None:
            return ()
        if self.step is None:
            return (to_finish(failure, now - self.run_at),)
        number, title = self.step.number, self.step.title
        failed = StepFailed(number, title, now - self.step_at, failure.message)
        failure = replace(failure, step=failure.step or title)
        return (failed, to_finish(failure, now - self.run_at))
