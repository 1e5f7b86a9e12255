"""What a diagnosis is made of: causes that are looked for, and what was found of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schedgen_ops.preflight.probe import Problem, reason
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that is wrong with a host, or could not be looked at.

    Attributes:
        cause: its name: "port taken".
        text: one sentence that says what is wrong.
        fix: the command of ours that mends it, or what a person has to do.
        evidence: what the host answered that shows it.
        known: False where it could not be looked at: then nothing is said to be well.
        services: the services that it explains the trouble of.
        trace: what a run that failed leaves by itself: "end", the record of how it failed; "load", that of
            building and starting; "schema", migrations that stay when it is taken back. "" for all else.
    """

    cause: str
    text: str
    fix: str = ""
    evidence: tuple[str, ...] = ()
    known: bool = True
    services: tuple[str, ...] = ()
    trace: str = ""

    @property
    def told(self) -> dict[str, object]:
        """It as tables, documents and journals have it, by their columns."""
        return {
            "cause": self.cause,
            "verdict": "found" if self.known else "unknown",
            "text": self.text,
            "fix": self.fix,
            "evidence": self.evidence,
        }


@dataclass(frozen=True, slots=True)
class Answers:
    """What a host answered to all probes, by the probe's name, and what it should be like.

    Attributes:
        found: what causes before this one found.
    """

    settings: Settings
    host: HostSettings
    results: Mapping[str, Result]
    found: tuple[Diagnosis, ...] = ()

    def __getitem__(self, probe: str) -> Result:
        return self.results[probe]

    @property
    def troubled(self) -> frozenset[str]:
        """The services whose trouble is explained already."""
        return frozenset(service for found in self.found for service in found.services)


Judge = Callable[[Answers], Iterator[Diagnosis]]


@dataclass(frozen=True, slots=True)
class Cause:
    """One kind of cause.

    Attributes:
        name: what it is called where it could not be looked at.
        issues: the runbook's issues that list it.
        probes: the probes that its judge reads; where one of them was not made, it is not looked for.
        unless: causes that, once found, make this one say nothing new.
    """

    name: str
    issues: tuple[int, ...]
    probes: tuple[str, ...]
    judge: Judge
    unless: tuple[str, ...] = ()


def unknown(cause: str, result: Result) -> Diagnosis:
    """Return that a cause could not be looked for, and why."""
    return Diagnosis(cause, f"could not be looked at: {reason(result)[-200:]}", known=False)


def of_problem(cause: str, problem: Problem, *evidence: str, fix: str = "") -> Diagnosis:
    """Return what pre-flight calls a problem as a diagnosis; what it does not know stays unknown."""
    text, *more = problem.text.splitlines()
    return Diagnosis(cause, text, fix or problem.hint, (*more, *evidence), not problem.unknown)


def judged(causes: Sequence[Cause], answers: Answers) -> tuple[Diagnosis, ...]:
    """Return everything that was found, roots first; an answer that cannot be read is unknown."""
    for cause in causes:
        named = {found.cause for found in answers.found}
        if named.isdisjoint(cause.unless) and all(probe in answers.results for probe in cause.probes):
            found = (*answers.found, *_judged(cause, answers))
            answers = Answers(answers.settings, answers.host, answers.results, found)
    return answers.found


def _judged(cause: Cause, answers: Answers) -> tuple[Diagnosis, ...]:
    try:
        return tuple(cause.judge(answers))
    except (ValueError, LookupError, TypeError, AttributeError):
        return (unknown(cause.name, answers[cause.probes[0]]),)
