"""What is checked, and how the answers are judged. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schedgen_ops.commands import docker, http
from schedgen_ops.settings import Check, HostSettings, Settings

PATIENCE = 10.0


class CheckVerdict(StrEnum):
    """How a check ended. A check that could not run is unknown, never passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check."""

    check: str
    verdict: CheckVerdict
    text: str
    seconds: float = 0.0


def containers(
    running: Iterable[docker.Container], settings: Settings, host: HostSettings
) -> tuple[Finding, ...]:
    """One finding a service that `host` should run.

    Without tiers those are what has a container, except for what ended well: a job, as likely as not. What is
    a job for certain need not be there any more.
    """
    found: dict[str, list[docker.Container]] = {}
    for container in running:
        found.setdefault(container.service, []).append(container)
    jobs = docker.jobs_named(running)
    wanted = tuple(name for name in settings.kept_on(host) if name in found or name not in jobs)
    if not settings.tiers:
        ended = [name for name, boxes in found.items() if all(box.ended_well for box in boxes)]
        wanted = (*wanted, *(name for name in found if name not in (*wanted, *ended)))
        if not wanted:
            return (Finding("services", CheckVerdict.FAILED, "nothing of the project runs"),)
    return tuple(_service(service, found.get(service, [])) for service in wanted)


def _service(service: str, containers: Sequence[docker.Container]) -> Finding:
    bad = [container for container in containers if not container.good]
    if not containers:
        return Finding(f"service {service}", CheckVerdict.FAILED, "has no container")
    if bad:
        states = ", ".join(f"{container.name} is {container.state}" for container in bad)
        return Finding(f"service {service}", CheckVerdict.FAILED, states)
    return Finding(f"service {service}", CheckVerdict.PASSED, containers[0].state)


def patience(checks: Sequence[Check]) -> float:
    """Seconds after which a request is given up: well past what any check is held to."""
    return max([PATIENCE, *(check.within * 2 for check in checks)])


def answered(checks: Sequence[Check], answers: Sequence[http.HttpAnswer | None]) -> tuple[Finding, ...]:
    """One finding a check, by status and time alone."""
    return tuple(map(_answer, checks, answers))


def _answer(check: Check, answer: http.HttpAnswer | None) -> Finding:
    name = f"{check.name} {check.url}"
    if answer is None:
        return Finding(name, CheckVerdict.UNKNOWN, "could not be asked")
    if not answer.status:
        return Finding(name, CheckVerdict.FAILED, answer.error or "no answer", answer.seconds)
    if problem := wrong_status(check, answer.status):
        return Finding(name, CheckVerdict.FAILED, problem, answer.seconds)
    if answer.seconds > check.within:
        text = f"took {answer.seconds:.2f} s, longer than {check.within:g} s"
        return Finding(name, CheckVerdict.FAILED, text, answer.seconds)
    return Finding(
        name, CheckVerdict.PASSED, f"{answer.status} in {answer.seconds * 1000:.0f} ms", answer.seconds
    )


def wrong_status(check: Check, status: int) -> str:
    """What is wrong with the status of an answer; "" if nothing."""
    if good_status(status, check.status):
        return ""
    return f"answered {status}" if check.status is None else f"answered {status}, not {check.status}"


def good_status(status: int, wanted: int | None) -> bool:
    """Tell whether an answer has the status that its check asks for; None asks for any that is good."""
    return 200 <= status < 400 if wanted is None else status == wanted


def failed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that are not passed."""
    return tuple(finding for finding in findings if finding.verdict is not CheckVerdict.PASSED)
