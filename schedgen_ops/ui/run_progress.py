"""Where a run is: enough to close what is open when something ends it early. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from schedgen_ops.events import Event, RunFinished, RunStarted, StepFailed, StepFinished, StepStarted
from schedgen_ops.ui.failure import Failure, to_finish


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The open run and the open steps, each with when it began in seconds on the monotonic clock."""

    run: RunStarted | None = None
    run_at: float = 0.0
    steps: tuple[tuple[StepStarted, float], ...] = ()

    def after(self, event: Event, now: float) -> RunProgress:
        """Return the progress after `event`, which came at `now`."""
        match event:
            case RunStarted():
                return RunProgress(event, now)
            case StepStarted():
                return replace(self, steps=(*self.steps, (event, now)))
            case StepFinished() | StepFailed():
                key = (event.number, event.title)
                left = tuple(open for open in self.steps if (open[0].number, open[0].title) != key)
                return replace(self, steps=left)
            case RunFinished():
                return RunProgress()
            case _:
                return self

    def closing(self, failure: Failure, now: float) -> tuple[Event, ...]:
        """Return the events that end what is open: each start gets its finish. None if no run is open."""
        if self.run is None:
            return ()
        failed = tuple(
            StepFailed(step.number, step.title, now - at, failure.message) for step, at in self.steps
        )
        # The last one begun is the one that the operator was shown last.
        failure = replace(failure, step=failure.step or (failed[-1].title if failed else ""))
        return (*failed, to_finish(failure, now - self.run_at))
