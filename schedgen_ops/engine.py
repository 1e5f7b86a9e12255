"""Runs a plan's steps one after the other, tells how it goes, and unwinds what was done when one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from traceback import format_exception

from schedgen_ops import events
from schedgen_ops.clock import Clock
from schedgen_ops.errors import HandedOver, OpsError, Refused, RolledBack


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        number: the runbook's number, "" where it has none.
        run: does it.
        undo: takes back whatever `run` did, also when it stopped halfway; may run twice. None: nothing to do.
        gate: nothing is changed yet: its errors are passed on as they are, with their own exit codes.
        settles: once it ended well, what came before it stays, whatever happens later.
    """

    number: str
    title: str
    run: Callable[[], None]
    undo: Callable[[], None] | None = None
    gate: bool = False
    settles: bool = False


@dataclass(slots=True)
class Engine:
    """Runs steps and remembers how long each took.

    Attributes:
        serving: what still serves after everything was taken back, for the message.
        durations: (title, seconds) of each step that ended well.
    """

    emit: events.Emit
    clock: Clock
    serving: Callable[[], str] = lambda: ""
    durations: tuple[tuple[str, float], ...] = ()

    def run(self, steps: Sequence[Step]) -> None:
        """Run `steps` in order.

        Raises:
            RolledBack: when one failed and all that was done is undone.
            OpsError: the failure itself, when it was a gate's; or, with exit code 5, when undoing failed too.
        """
        begun: list[Step] = []
        settled = False
        for step in steps:
            begun.append(step)
            try:
                self._run(step)
            except (Exception, KeyboardInterrupt) as error:
                failure = self._as_failure(error, step)
                if step.gate or settled or isinstance(error, HandedOver):
                    raise failure from error
                self._unwind(begun, failure)
            if step.settles:
                begun, settled = [], True

    def _run(self, step: Step) -> None:
        started = self.clock.monotonic()
        self.emit(events.StepStarted(step.number, step.title))
        try:
            step.run()
        except BaseException as error:
            seconds = self.clock.monotonic() - started
            self.emit(events.StepFailed(step.number, step.title, seconds, str(error) or type(error).__name__))
            raise
        seconds = self.clock.monotonic() - started
        self.durations = (*self.durations, (step.title, seconds))
        self.emit(events.StepFinished(step.number, step.title, seconds))

    def _unwind(self, begun: Sequence[Step], failure: OpsError) -> None:
        left: list[tuple[Step, BaseException]] = []
        for step in reversed(begun):
            if step.undo is None:
                continue
            try:
                step.undo()
            except KeyboardInterrupt as error:
                raise _undo_failed([*left, (step, error)], failure) from error
            except Exception as error:
                # The others are taken back all the same: the more is as it was, the less is left to mend.
                left.append((step, error))
        if left:
            raise _undo_failed(left, failure) from left[0][1]
        text = self.serving()
        if text:
            events.info(self.emit, text)
        raise RolledBack(
            failure.message,
            hint=failure.hint,
            host=failure.host,
            step=failure.step,
            detail=failure.detail,
        ) from failure

    def _as_failure(self, error: Exception | KeyboardInterrupt, step: Step) -> OpsError:
        kind = Refused if step.gate else OpsError
        if isinstance(error, OpsError):
            failure = error
        elif isinstance(error, KeyboardInterrupt):
            failure = kind("interrupted from the keyboard")
        else:
            hint = "This is a defect: the run's log has its traceback."
            failure = kind(f"Unexpected {_name(error)}", hint=hint)
            for line in "".join(format_exception(error)).splitlines():
                self.emit(events.Output(line))
        failure.step = failure.step or step.title
        return failure


def _name(error: BaseException) -> str:
    kind = type(error).__name__
    return f"{kind}: {error}" if str(error) else kind


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted from the keyboard"
    return str(error) if isinstance(error, OpsError) else _name(error)


def _undo_failed(left: Sequence[tuple[Step, BaseException]], failure: OpsError) -> OpsError:
    steps = ", ".join(repr(step.title) for step, _ in left)
    error = left[0][1]
    details = (getattr(other, "detail", "") for _, other in left)
    return OpsError(
        f"{failure.message}; then taking back {steps} failed: {_reason(error)}",
        host=getattr(error, "host", "") or failure.host,
        step=failure.step,
        detail="\n".join(filter(None, (failure.detail, *details))),
        hint="Look at the services by hand now: `docker compose ps` in the project's directory.",
    )
