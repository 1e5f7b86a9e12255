"""A run as spans: itself, its steps, and each host's share of a step. Pure.

Names and attributes are those of OpenTelemetry's conventions for CI/CD and deployments, where there are some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from schedgen_ops.events import (
    Event,
    Fact,
    HostFinished,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
)
from schedgen_ops.ui.terminal import printable

_SECOND = 1_000_000_000
_MOST = 500
_RESULTS = {0: "success", 3: "skip", 4: "failure", 6: "failure", 7: "skip", 130: "cancellation"}
# What each code says, in the words that `error.type` has for good.
_ERRORS = {4: "rolled_back", 5: "needs_a_person", 6: "verification_failed", 8: "unreachable"}
Attributes = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took time.

    Attributes:
        began: nanoseconds since 1970, as `ended`.
        error: why it failed; "" where it did not.
        inner: what it consists of.
    """

    name: str
    began: int
    ended: int
    attributes: Attributes
    error: str = ""
    inner: tuple[Span, ...] = ()


@dataclass(slots=True)
class Trace:
    """Takes a run's events, and gives its spans once it is over."""

    _started: tuple[RunStarted, int] | None = None
    _end: tuple[RunFinished, int] | None = None
    _open: dict[str, int] = field(default_factory=dict)
    _steps: list[Span] = field(default_factory=list)
    _hosts: dict[str, dict[str, Span]] = field(default_factory=dict)
    _facts: dict[str, str] = field(default_factory=dict)

    def take(self, event: Event, at: int) -> None:
        """Take an event that was told at `at`, in nanoseconds since 1970."""
        match event:
            case RunStarted():
                self._started = (event, at)
            case StepStarted():
                self._open[event.title] = at
            case HostFinished():
                self._host(event, at)
            case StepFinished():
                self._step(event.title, at, "")
            case StepFailed():
                self._step(event.title, at, event.message)
            case Fact(host=""):
                self._facts[event.name] = str(event.value)
            case RunFinished():
                self._end = (event, at)

    def _host(self, event: HostFinished, at: int) -> None:
        """One host's share of a step may come in several parts; they are one span."""
        began = at - int(event.seconds * _SECOND)
        known = self._hosts.setdefault(event.step, {})
        before = known.get(event.host)
        error = (before.error if before else "") or event.message
        made = Span(f"{event.step} on {event.host}", began, at, {"host.name": event.host}, _short(error))
        known[event.host] = replace(made, began=min(before.began, began)) if before else made

    def _step(self, title: str, at: int, error: str) -> None:
        began = self._open.pop(title, at)
        run = self._started[0].run if self._started else ""
        inner = tuple(_task(span, title, f"{run}/{title}/{host}") for host, span in self._shares(title))
        self._steps.append(_task(Span(title, began, at, {}, _short(error), inner), title, f"{run}/{title}"))

    def _shares(self, title: str) -> Iterator[tuple[str, Span]]:
        yield from self._hosts.pop(title, {}).items()

    def whole(self) -> Span | None:
        """Return the run's span with all that is in it; None where no run began and ended."""
        if self._started is None or self._end is None:
            return None
        (started, began), (end, ended) = self._started, self._end
        error = _short(end.message) or "failed" if end.code else ""
        attributes = {key: value for key, value in self._attributes(started, end) if value != ""}
        return Span(f"RUN {started.command}", began, ended, attributes, error, tuple(self._steps))

    def _attributes(self, started: RunStarted, end: RunFinished) -> Iterator[tuple[str, str | int]]:
        facts = dict(started.facts)
        yield "cicd.pipeline.name", started.command
        yield "cicd.pipeline.action.name", "RUN"
        yield "cicd.pipeline.run.id", started.run
        yield "cicd.pipeline.result", _RESULTS.get(end.code, "error")
        yield "deployment.environment.name", started.env
        yield "deployment.id", self._facts.get("release", "")
        yield "deployment.name", started.command
        yield "deployment.status", "failed" if end.code else "succeeded"
        yield "vcs.ref.head.name", _short(facts.get("Branch", ""))
        yield "vcs.ref.head.revision", self._facts.get("commit", "")
        yield "error.type", _ERRORS.get(end.code, "_OTHER") if end.code else ""
        yield "process.exit.code", end.code


def _task(span: Span, title: str, identity: str) -> Span:
    """A span as that of a task of a pipeline."""
    told = {
        "cicd.pipeline.task.name": title,
        "cicd.pipeline.task.run.id": identity,
        "cicd.pipeline.task.run.result": "failure" if span.error else "success",
        **({"error.type": "_OTHER"} if span.error else {}),
    }
    return replace(span, attributes={**span.attributes, **told})


def _short(text: str) -> str:
    return printable(text)[:_MOST]
