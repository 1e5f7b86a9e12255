"""Looks at a host for everything that may be wrong, in one round trip."""

from __future__ import annotations

from schedgen_ops.doctor import plan
from schedgen_ops.doctor.cause import Answers, Diagnosis, judged
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings

# Half of what a person waits for; what answers later is unknown.
_DEADLINE = 30.0


def look(remote: Remote, settings: Settings, issue: int = 0) -> tuple[Diagnosis, ...]:
    """Return what is wrong with a host; every probe runs at the same time.

    Args:
        issue: the runbook's issue whose causes are looked for; 0 for all.

    Raises:
        Unreachable: where the host cannot be asked.
    """
    host = settings.host(remote.name)
    probes = plan.probes(settings, host, issue)
    answers = remote.together(tuple(probes.values()), deadline=_DEADLINE)
    results = dict(zip(probes, answers, strict=True))
    return judged(plan.causes(issue), Answers(settings, host, results))
