"""What is checked, and how the answers are judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import http
from schedgen_ops.remote import Result
from schedgen_ops.settings import Check, HostSettings, Settings
from schedgen_ops.shell import Command

_PATIENCE = 10.0


class Verdict(StrEnum):
    """How a check ended. A check that could not run is unknown, never passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check."""

    check: str
    verdict: Verdict
    text: str
    seconds: float = 0.0


def containers(
    running: Iterable[engine.Container], settings: Settings, host: HostSettings
) -> tuple[Finding, ...]:
    """One finding a service that `host` should run."""
    found: dict[str, list[engine.Container]] = {}
    for container in running:
        found.setdefault(container.service, []).append(container)
    return tuple(_service(service, found.get(service, [])) for service in settings.services_on(host))


def _service(service: str, containers: Sequence[engine.Container]) -> Finding:
    bad = [container for container in containers if not container.good]
    if not containers:
        return Finding(f"service {service}", Verdict.FAILED, "has no container")
    if bad:
        states = ", ".join(f"{container.name} is {container.state}" for container in bad)
        return Finding(f"service {service}", Verdict.FAILED, states)
    return Finding(f"service {service}", Verdict.PASSED, containers[0].state)


def requests(checks: Sequence[Check]) -> tuple[Command, ...]:
    """One command a check; each gives up a while after the time it is held to."""
    return tuple(http.get(check.url, patience(checks)) for check in checks)


def patience(checks: Sequence[Check]) -> float:
    """Seconds after which a request is given up: well past what any check is held to."""
    return max([_PATIENCE, *(check.within * 2 for check in checks)])


def answers(checks: Sequence[Check], results: Sequence[Result]) -> tuple[Finding, ...]:
    """One finding a check."""
    return tuple(map(_answer, checks, results))


def _answer(check: Check, result: Result) -> Finding:
    name = f"{check.name} {check.url}"
    try:
        answer = http.parse_answer(result.stdout)
    except ValueError:
        return Finding(name, Verdict.UNKNOWN, f"could not be asked: {result.stderr.strip()[-200:]}")
    if not answer.status:
        return Finding(name, Verdict.FAILED, answer.error or "no answer", answer.seconds)
    if not 200 <= answer.status < 400:
        return Finding(name, Verdict.FAILED, f"answered {answer.status}", answer.seconds)
    if answer.seconds > check.within:
        text = f"took {answer.seconds:.2f} s, longer than {check.within:g} s"
        return Finding(name, Verdict.FAILED, text, answer.seconds)
    return Finding(name, Verdict.PASSED, f"{answer.status} in {answer.seconds * 1000:.0f} ms", answer.seconds)


def failed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that are not passed."""
    return tuple(finding for finding in findings if finding.verdict is not Verdict.PASSED)
