"""What `inv doctor` does with an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.doctor import on_swarm, plan, run
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.errors import ConfigError, VerificationFailed
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import Column


def diagnose(op: Operation, issue: int) -> None:
    """Look for every cause of the runbook's issues on every host, and show what was found with its fix.

    Args:
        issue: the one issue whose causes are looked for; 0 for all six.

    Raises:
        ConfigError: for an issue that the runbook does not have.
        VerificationFailed: where anything was found, or could not be looked at.
    """
    if issue and issue not in plan.ISSUES:
        raise ConfigError(f"the runbook has no issue {issue}", hint="There are 1 to 6; without --issue, all.")
    rows = Rows(
        op,
        ("Host", "Cause", "Verdict", "Text", Column("Fix"), Column("Evidence", " | ".join)),
    )
    found: list[tuple[str, Diagnosis]] = []

    def show(came: Mapping[str, tuple[Diagnosis, ...]]) -> None:
        new = [(host, one) for host, diagnoses in came.items() for one in diagnoses]
        found.extend(new)
        rows.add([(host, *one.told.values()) for host, one in new])

    kinds = len(plan.causes(issue))
    if op.settings.on_swarm:
        # What one node says explains what another one has: nothing is shown before all have answered.
        asked = look(op, lambda remote: on_swarm.ask(op.context(remote), run.DEADLINE, issue))
        kinds = on_swarm.kinds(op.settings, issue)
        seen = Outcomes(on_swarm.judge(op.settings, asked.ok, issue), asked.errors)
        show(seen.ok)
    else:
        seen = look(op, lambda remote: run.look(op.context(remote), issue), show)
    rows.end(seen, f"Nothing is wrong: {kinds} kinds of causes were looked for.")
    conclude(seen, *_failure(found))


def _failure(found: list[tuple[str, Diagnosis]]) -> Iterator[VerificationFailed]:
    if not found:
        return
    known = sum(one.known for _, one in found)
    parts = (f"{known} found" if known else "", f"{len(found) - known} unknown" if known < len(found) else "")
    fixes = dict.fromkeys(one.fix for _, one in found if one.fix)
    yield VerificationFailed(
        f"causes of trouble: {', '.join(filter(None, parts))}",
        detail="\n".join(f"{host}: {one.cause}: {one.text}" for host, one in found),
        hint="\n".join(fixes),
    )
