"""Looks at every host at once and refuses before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops import events
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.preflight import plan
from schedgen_ops.preflight.probe import Problem

_DEADLINE = 60.0


def check(fleet: Fleet, context_of: ContextOf, *, moves: bool = False) -> Mapping[str, plan.Observed]:
    """Look at every host of a run that fetches nothing, and return what was seen by the host's name.

    Args:
        moves: whether Compose may run the project where a Swarm is to.

    Raises:
        Refused: if any host is not ready, with every problem of every host.
        Unreachable: if one cannot be reached.
    """
    findings = fleet.each(lambda remote: _look(context_of(remote), moves=moves)).values()
    refusals = []
    for remote, (problems, _) in zip(fleet.hosts, findings, strict=True):
        for problem in problems:
            report = events.error if problem.refuses else events.warn
            report(context_of(remote).emit, problem.text, remote.name)
        refusals += [(remote.name, problem) for problem in problems if problem.refuses]
    if refusals:
        raise refused(refusals)
    return {
        remote.name: seen for remote, (_, seen) in zip(fleet.hosts, findings, strict=True) if seen is not None
    }


def _look(host: HostContext, *, moves: bool) -> tuple[tuple[Problem, ...], plan.Observed | None]:
    probes = plan.probes(host.settings, host.entry, moves=moves)
    answers = host.remote.together([probe.command for probe in probes.values()], deadline=_DEADLINE)
    results = dict(zip(probes, answers, strict=True))
    problems = plan.judge(probes, results)
    refused = any(problem.refuses for problem in problems)
    return problems, None if refused else plan.observed(results)


def refused(refusals: list[tuple[str, Problem]]) -> OpsError:
    """Return the refusal that these problems come to, each with the name of its host."""
    hosts = tuple(dict.fromkeys(host for host, _ in refusals))
    texts = [f"{host}: {problem.text}" if len(hosts) > 1 else problem.text for host, problem in refusals]
    hints = dict.fromkeys(problem.hint for _, problem in refusals if problem.hint)
    return Refused(
        "not ready, and nothing was changed",
        host=", ".join(hosts),
        detail="\n".join(texts),
        hint="\n".join(hints),
    )
