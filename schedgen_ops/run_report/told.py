"""What a run told, read from the lines of its journal; one that is none of ours is counted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schedgen_ops.run_report.reading import number, pairs, seconds_of, text, texts

UNFINISHED = -1
"""The exit code of a run whose end is not known."""


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step as it went; times in seconds since the run began.

    Attributes:
        state: pending, running, done or failed.
        active: for each host that was named while it ran, from when to when.
        shares: for each host that said how long its part took, from when to when that was.
    """

    number: str
    title: str
    state: str = "pending"
    begun: float = 0.0
    ended: float = 0.0
    message: str = ""
    active: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    shares: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """The step as an operator knows it: with the runbook's number, if it has one."""
        return f"{self.number}: {self.title}" if self.number else self.title


@dataclass(frozen=True, slots=True)
class Said:
    """A line that was told, in `step` if in one; `at` in seconds since the run began."""

    at: float
    level: str
    text: str
    host: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A run from its journal.

    Attributes:
        begun: when it began, RFC 3339.
        seconds: how long it took, or up to the last that was heard of it.
        code: its exit code; `UNFINISHED` where it never said one.
        end: the last event's own values: message, hint, detail, outcome, host, step.
        facts: what was found, by host ("" for the whole run) and name.
        foreign: how many lines were none of ours.
    """

    command: str = ""
    run: str = ""
    env: str = ""
    title: str = ""
    begun: str = ""
    seconds: float = 0.0
    code: int = UNFINISHED
    hosts: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepTold, ...] = ()
    said: tuple[Said, ...] = ()
    end: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    foreign: int = 0

    def fact(self, name: str, host: str = "") -> Any:
        """Return a value that was told; None where it was not."""
        return self.facts.get(host, {}).get(name)

    def step(self, title: str) -> StepTold | None:
        """Return the step of that title."""
        return next((step for step in self.steps if step.title == title), None)


def told(lines: Iterable[Mapping[str, Any]], foreign: int = 0) -> Told:
    """Return what the lines of a journal come to, in their order.

    Args:
        foreign: how many lines of the file could not even be read.
    """
    run = Told(foreign=foreign)
    start: float | None = None
    for line in lines:
        at = seconds_of(line.get("t"))
        if at is None or not isinstance(line.get("event"), str):
            run = replace(run, foreign=run.foreign + 1)
            continue
        start = at if start is None else start
        run = _after(run, line, max(0.0, at - start))
    return run


def _after(run: Told, line: Mapping[str, Any], at: float) -> Told:
    run = replace(
        run, seconds=run.seconds if run.end else max(run.seconds, at), begun=run.begun or text(line["t"])
    )
    take = _TAKERS.get(line["event"])
    return take(run, line, at) if take else replace(run, foreign=run.foreign + 1)


def _started(run: Told, line: Mapping[str, Any], _: float) -> Told:
    return replace(
        run,
        command=text(line.get("command")),
        run=text(line.get("run")),
        env=text(line.get("env")),
        title=text(line.get("title")),
        hosts=texts(line.get("hosts")),
        labels=pairs(line.get("facts")),
        steps=tuple(StepTold(number, title) for number, title in pairs(line.get("steps"))),
    )


def _step(run: Told, line: Mapping[str, Any], at: float) -> Told:
    return replace(run, steps=_stepped(run.steps, line, at))


def _message(run: Told, line: Mapping[str, Any], at: float) -> Told:
    running = [step for step in run.steps if step.state == "running"]
    last = max(running, key=lambda step: step.begun).title if running else ""
    said = Said(at, text(line.get("level")), text(line.get("text")), text(line.get("host")), last)
    return replace(run, said=(*run.said, said), steps=_active(run.steps, said.host, at))


def _share(run: Told, line: Mapping[str, Any], at: float) -> Told:
    """A host's part of a step is over; it may come in several pieces, which are one part."""
    title, host = text(line.get("step")), text(line.get("host"))
    begun = max(0.0, at - max(0.0, number(line.get("seconds"))))
    if host:
        run = replace(run, steps=tuple(_with_share(step, title, host, (begun, at)) for step in run.steps))
    return replace(run, steps=_active(run.steps, host, at))


def _with_share(step: StepTold, title: str, host: str, span: tuple[float, float]) -> StepTold:
    if step.title != title:
        return step
    begun, ended = step.shares.get(host, span)
    return replace(step, shares={**step.shares, host: (min(begun, span[0]), max(ended, span[1]))})


def _missing(run: Told, line: Mapping[str, Any], at: float) -> Told:
    said = Said(at, "error", text(line.get("message")), text(line.get("host")))
    return replace(run, said=(*run.said, said))


def _progress(run: Told, line: Mapping[str, Any], at: float) -> Told:
    return replace(run, steps=_active(run.steps, text(line.get("host")), at))


def _finished(run: Told, line: Mapping[str, Any], _: float) -> Told:
    names = ("title", "message", "hint", "detail", "outcome", "host", "step")
    return replace(
        run,
        code=int(number(line.get("code"), 5)),
        seconds=number(line.get("seconds"), run.seconds),
        labels=(*run.labels, *pairs(line.get("facts"))),
        end={name: text(line.get(name)) for name in names},
    )


def _found(run: Told, line: Mapping[str, Any], at: float) -> Told:
    host, name = text(line.get("host")), text(line.get("name"))
    facts = {**run.facts, host: {**run.facts.get(host, {}), name: line.get("value")}}
    return replace(run, facts=facts, steps=_active(run.steps, host, at))


def _stepped(steps: tuple[StepTold, ...], line: Mapping[str, Any], at: float) -> tuple[StepTold, ...]:
    key = text(line.get("number")), text(line.get("title"))
    known = next((step for step in steps if (step.number, step.title) == key), None)
    step = known or StepTold(*key)
    if line["event"] == "step.started":
        new = replace(step, state="running", begun=at)
    else:
        state = "failed" if line["event"] == "step.failed" else "done"
        begun = step.begun if step.state == "running" else max(0.0, at - number(line.get("seconds")))
        new = replace(step, state=state, begun=begun, ended=at, message=text(line.get("message")))
    return tuple(new if one is known else one for one in steps) if known else (*steps, new)


def _active(steps: tuple[StepTold, ...], host: str, at: float) -> tuple[StepTold, ...]:
    """The host was named: whatever runs, runs there too."""
    if not host:
        return steps
    return tuple(
        replace(step, active={**step.active, host: (step.active.get(host, (at, at))[0], at)})
        if step.state == "running"
        else step
        for step in steps
    )


_TAKERS = {
    "run.started": _started,
    "step.started": _step,
    "step.finished": _step,
    "step.failed": _step,
    "message": _message,
    "host.finished": _share,
    "host.missing": _missing,
    "fact": _found,
    "progress": _progress,
    "run.finished": _finished,
}
