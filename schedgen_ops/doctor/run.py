"""Looks at a host for everything that may be wrong, in one round trip."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.doctor import plan
from schedgen_ops.doctor.cause import Answers, Cause, Diagnosis, judged
from schedgen_ops.host_context import HostContext

# Half of what a person waits for; what answers later is unknown.
DEADLINE = 30.0


def look(host: HostContext, issue: int = 0) -> tuple[Diagnosis, ...]:
    """Return what is wrong with a host; every probe runs at the same time.

    Args:
        issue: the runbook's issue whose causes are looked for; 0 for all.

    Raises:
        Unreachable: where the host cannot be asked.
    """
    return look_for(host, plan.causes(issue), DEADLINE)


def look_for(host: HostContext, causes: Sequence[Cause], deadline: float) -> tuple[Diagnosis, ...]:
    """Return which of these causes a host has.

    Args:
        deadline: seconds; what answers later is unknown.

    Raises:
        Unreachable: where the host cannot be asked.
    """
    probes = plan.probes(host.settings, host.entry, causes)
    answers = host.remote.together(tuple(probes.values()), deadline=deadline)
    results = dict(zip(probes, answers, strict=True))
    return judged(causes, Answers(host.settings, host.entry, results))
