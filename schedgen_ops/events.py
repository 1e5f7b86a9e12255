"""What a run tells while it goes: values that ui/ renders and the journal keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `host` is "" where it is about the whole run."""


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run begins.

    Attributes:
        command: what was asked, as the operator names it: "deploy", "backup".
        title: the first line an operator reads.
        facts: (label, value) pairs shown below the title.
        steps: (number, title) of the steps to come; number is "" for one that the runbook does not number.
    """

    command: str
    run: str
    env: str
    title: str
    hosts: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    steps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step begins; `number` is the runbook's, "" where it has none; a `gate` may still refuse the run."""

    number: str
    title: str
    gate: bool = False


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    """A step ended well after `seconds`."""

    number: str
    title: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StepFailed(Event):
    """A step ended with an error after `seconds`."""

    number: str
    title: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class HostFinished(Event):
    """A host's share of a step, or a part of it, is over after `seconds`; `message` says why it failed."""

    step: str
    host: str
    seconds: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Message(Event):
    """One line for the operator. `level` is info, warn or error."""

    level: str
    text: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Output(Event):
    """A line that a remote program printed: for the log, and for the live view's tail."""

    text: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """How far a long action is: `done` of `total` in `unit` (bytes, seconds, items); total 0 is unknown."""

    label: str
    done: float
    total: float
    unit: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """The last values of something, None where one is not known, and the newest in words."""

    label: str
    values: tuple[float | None, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Panel(Event):
    """How a long watch stands, in place of how it stood: a line, and for a live view curves and a table."""

    line: str
    curves: tuple[Curve, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    host: str = ""


@dataclass(frozen=True, slots=True)
class Fact(Event):
    """A value worth keeping in the journal and the JSON document: never a secret."""

    name: str
    value: Any
    host: str = ""


@dataclass(frozen=True, slots=True)
class HostMissing(Event):
    """A host of which nothing can be told, and why.

    Attributes:
        code: the exit code that this alone would have.
        alone: whether no other host was asked.
    """

    host: str
    message: str
    hint: str = ""
    code: int = 8
    alone: bool = False


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """A run ended. `code` is the exit code, `title` its last headline, `hint` what to do next.

    Attributes:
        outcome: what is so now, where the exit code alone does not say it.
    """

    code: int
    title: str
    seconds: float
    message: str = ""
    hint: str = ""
    detail: str = ""
    host: str = ""
    step: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    outcome: str = ""


Emit = Callable[[Event], None]


def info(emit: Emit, text: str, host: str = "") -> None:
    """Tell the operator how it goes."""
    emit(Message("info", text, host))


def warn(emit: Emit, text: str, host: str = "") -> None:
    """Tell the operator of something to look at that stops nothing."""
    emit(Message("warn", text, host))


def error(emit: Emit, text: str, host: str = "") -> None:
    """Tell the operator of a failure."""
    emit(Message("error", text, host))


def silence(_: Event) -> None:
    """Tell nobody: an Emit for callers that want none."""
