"""Runs a plan's steps one after the other, tells how it goes, and unwinds what was done when one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from threading import Event
from traceback import format_exception

from schedgen_ops import events
from schedgen_ops.clock import Clock
from schedgen_ops.concurrent_steps import Beside, ended
from schedgen_ops.errors import HandedOver, OpsError, Overruled, Refused, RolledBack
from schedgen_ops.interrupts import INTERRUPTS
from schedgen_ops.steps import CURRENT, Step
from schedgen_ops.workers import left_behind

_BY_HAND = "Look at the services now: `inv status`, and `inv doctor` for the cause."


@dataclass(slots=True)
class StepRunner:
    """The runner of a run's steps; it remembers how long each took.

    Attributes:
        serving: what serves after everything was taken back, for the message; raises where it does not.
        interrupt: ends what runs on the hosts, so that no step goes on beside one that failed.
        regain: makes sure, before anything is taken back, that it may be; raises Overruled where it may not.
        durations: (title, seconds) of each step that ended well.
    """

    emit: events.Emit
    clock: Clock
    serving: Callable[[], str] = lambda: ""
    interrupt: Callable[[], None] = lambda: None
    regain: Callable[[], None] = lambda: None
    durations: list[tuple[str, float]] = field(default_factory=list)
    _beside: list[Beside] = field(default_factory=list)
    _failed: Step | None = None
    _heard: Event = field(default_factory=Event)

    def run(self, steps: Sequence[Step]) -> None:
        """Run `steps` in order.

        Raises:
            RolledBack: when one failed and all that was done is undone.
            OpsError: the failure itself, when it was a gate's; or, with exit code 5, when undoing failed too.
            ValueError: for a step beside others that nothing waits for.
        """
        _check(steps)
        with INTERRUPTS.kept():
            self._all(steps)

    def _all(self, steps: Sequence[Step]) -> None:
        begun: list[Step] = []
        settled = False
        for step in steps:
            try:
                if step.waits:
                    with INTERRUPTS.heard():
                        self._join()
                begun.append(step)
                self._begin(step)
            except (Exception, KeyboardInterrupt) as error:
                INTERRUPTS.back()
                failure = self._ended(error, step)
                if step.gate or settled or isinstance(error, HandedOver):
                    raise failure from error
                self._unwind(begun, failure)
            if step.settles:
                begun, settled = [], True

    def _begin(self, step: Step) -> None:
        started = self.clock.monotonic()
        self.emit(events.StepStarted(step.number, step.title, step.gate))
        if step.beside:
            self._beside.append(Beside(step, lambda: self._run(step, started), self.interrupt, self._heard))
        else:
            self._run(step, started, INTERRUPTS.heard(step.stays))

    def _run(self, step: Step, started: float, signals: AbstractContextManager[None] | None = None) -> None:
        inside = CURRENT.set(step.title)
        try:
            with signals or nullcontext():
                step.run()
        except BaseException as error:
            seconds = self.clock.monotonic() - started
            self._failed = self._failed or step
            text = str(error) or type(error).__name__
            if self._failed is not step:
                text = f"ended, since {self._failed.title!r} failed"
            self.emit(events.StepFailed(step.number, step.title, seconds, text))
            raise
        finally:
            CURRENT.reset(inside)
        seconds = self.clock.monotonic() - started
        self.durations.append((step.title, seconds))
        self.emit(events.StepFinished(step.number, step.title, seconds))

    def _join(self) -> None:
        """Waits for the steps that run beside; raises what one of them raised."""
        self._heard.set()
        for other in self._beside:
            other.join()
        for other in self._beside:
            if other.error is not None:
                raise other.error
        self._beside.clear()
        self._heard.clear()

    def _ended(self, error: Exception | KeyboardInterrupt, step: Step) -> OpsError:
        """What went wrong first, once nothing runs any more: a step that fails ends those beside it."""
        self._heard.set()
        for other in self._beside:
            other.end()
            if other.step is self._failed and isinstance(other.error, Exception | KeyboardInterrupt):
                error, step = other.error, other.step
        self._beside.clear()
        # Threads of a step that an interrupt ended would go on while it is taken back.
        for worker in left_behind():
            ended(worker, self.interrupt)
        return self._as_failure(error, step)

    def _unwind(self, begun: Sequence[Step], failure: OpsError) -> None:
        self._regain(failure)
        left: list[tuple[Step, BaseException]] = []
        for step in reversed(begun):
            if step.undo is None:
                continue
            try:
                with INTERRUPTS.undoing():
                    step.undo()
            except KeyboardInterrupt as error:
                raise _undo_failed([*left, (step, error)], failure) from error
            except Exception as error:
                # The others are taken back all the same: the more is as it was, the less is left to mend.
                left.append((step, error))
        if left:
            raise _undo_failed(left, failure) from left[0][1]
        try:
            text = self.serving()
        except (Exception, KeyboardInterrupt) as error:
            raise _unproven(error, failure) from error
        if text:
            events.info(self.emit, text)
        back = RolledBack(
            failure.message,
            hint=failure.hint,
            host=failure.host,
            step=failure.step,
            detail=failure.detail,
        )
        back.outcome = text[:1].lower() + text[1:] if text else "what was done is taken back"
        raise back from failure

    def _regain(self, failure: OpsError) -> None:
        try:
            self.regain()
        except Overruled as error:
            raise Overruled(
                f"{failure.message}; nothing was taken back: {error.message}",
                host=error.host or failure.host,
                step=failure.step,
                detail=failure.detail,
                hint=error.hint or _BY_HAND,
            ) from failure

    def _as_failure(self, error: Exception | KeyboardInterrupt, step: Step) -> OpsError:
        kind = Refused if step.gate and not step.lasting else OpsError
        if isinstance(error, OpsError):
            failure = error
        elif isinstance(error, KeyboardInterrupt):
            failure = kind(_reason(error))
        else:
            hint = "This is a defect: the run's log has its traceback."
            failure = kind(f"Unexpected {_name(error)}", hint=hint)
            for line in "".join(format_exception(error)).splitlines():
                self.emit(events.Output(line))
        failure.step = failure.step or step.title
        if step.lasting:
            failure.outcome = failure.outcome or "what was done until then stays"
        return failure


def _check(steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps):
        if step.beside and not any(later.waits for later in steps[number:]):
            raise ValueError(f"nothing waits for {step.title!r}")


def _name(error: BaseException) -> str:
    kind = type(error).__name__
    return f"{kind}: {error}" if str(error) else kind


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return f"interrupted: {error}" if str(error) else "interrupted from the keyboard"
    return str(error) if isinstance(error, OpsError) else _name(error)


def _unproven(error: BaseException, failure: OpsError) -> OpsError:
    """Everything was taken back, and nobody saw that it serves."""
    return OpsError(
        f"{failure.message}; everything was taken back, but {_reason(error)}",
        host=getattr(error, "host", "") or failure.host,
        step=failure.step,
        detail="\n".join(filter(None, (failure.detail, getattr(error, "detail", "")))),
        hint=getattr(error, "hint", "") or failure.hint,
    )


def _undo_failed(left: Sequence[tuple[Step, BaseException]], failure: OpsError) -> OpsError:
    steps = ", ".join(repr(step.title) for step, _ in left)
    error = left[0][1]
    details = (getattr(other, "detail", "") for _, other in left)
    return OpsError(
        f"{failure.message}; then taking back {steps} failed: {_reason(error)}",
        host=getattr(error, "host", "") or failure.host,
        step=failure.step,
        detail="\n".join(filter(None, (failure.detail, *details))),
        hint=_BY_HAND,
    )
