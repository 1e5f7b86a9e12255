"""Looks at a host for everything that may be wrong, in one round trip."""

from __future__ import annotations

from schedgen_ops.doctor import plan
from schedgen_ops.doctor.cause import Answers, Diagnosis, judged
from schedgen_ops.host_context import HostContext

# Half of what a person waits for; what answers later is unknown.
_DEADLINE = 30.0


def look(host: HostContext, issue: int = 0) -> tuple[Diagnosis, ...]:
    """Return what is wrong with a host; every probe runs at the same time.

    Args:
        issue: the runbook's issue whose causes are looked for; 0 for all.

    Raises:
        Unreachable: where the host cannot be asked.
    """
    probes = plan.probes(host.settings, host.entry, issue)
    answers = host.remote.together(tuple(probes.values()), deadline=_DEADLINE)
    results = dict(zip(probes, answers, strict=True))
    return judged(plan.causes(issue), Answers(host.settings, host.entry, results))
