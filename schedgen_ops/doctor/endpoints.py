"""Requests that fail although the containers behind them are well, or that we turn away ourselves. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.doctor.cause import Answers, Diagnosis, unknown
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command
from schedgen_ops.verify import checks
from schedgen_ops.watch.rules import CheckVerdict

_GROUPS = ("endpoints", "queue")


def probes(settings: Settings, host: HostSettings) -> dict[str, Command]:
    """Return the requests of the configuration, by the probe's name."""
    return {_name(check): check.command for check in checks.on(settings, host, _GROUPS)}


def failing(answers: Answers) -> Iterator[Diagnosis]:
    """Find requests that fail and that no other finding explains."""
    for check in checks.on(answers.settings, answers.host, _GROUPS):
        if check.needs in answers.troubled or (not check.needs and answers.troubled):
            continue
        service = check.needs or "the host"
        for found in checks.judged((check,), (answers[_name(check)],)):
            if found.verdict is CheckVerdict.PASSED:
                continue
            known = found.verdict is CheckVerdict.FAILED
            fix = f"inv ops.restart {check.needs}" if check.needs else "inv verify.endpoints"
            text = f"{found.check} fails although {service} looks well: {found.text}"
            yield Diagnosis("endpoint", text if known else f"{found.check} {found.text}", fix, known=known)


def closed(answers: Answers) -> Iterator[Diagnosis]:
    """Find visitors that the ingress turns away because somebody said so."""
    result = answers["maintenance"]
    if not result.ok:
        yield unknown("maintenance", result)
    elif said := result.text.strip():
        yield Diagnosis("maintenance", said.splitlines()[0][:200], "inv ops.maintenance off")


def _name(check: checks.Check) -> str:
    return f"check {check.name}"
