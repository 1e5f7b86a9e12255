"""What a build needs of the world outside: the git remote, and the addresses that it loads from. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.commands import http
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.doctor.cause import Answers, Diagnosis, of_problem, unknown
from schedgen_ops.preflight import code
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

# Seconds after which an address counts as out of reach.
_LIMIT = 10.0
_FIX = "mend the host's network, its DNS or its proxy; then `inv deploy` again"


def source(answers: Answers) -> Iterator[Diagnosis]:
    """Find whether the git remote answers and has the branch."""
    settings = answers.settings
    if not settings.from_git:
        return
    for problem in code.source(settings, Ref(settings.branch))(answers["source"]):
        yield of_problem("network", problem, fix=_FIX if "does not answer" in problem.text else "")


def probes(settings: Settings) -> dict[str, Command]:
    """Return the requests to what builds load from, by the probe's name."""
    return {f"reach {url}": http.get(url, _LIMIT) for url in settings.build.reach}


def reach(answers: Answers) -> Iterator[Diagnosis]:
    """Find addresses that builds load from and that cannot be reached; any answer of theirs will do."""
    for url in answers.settings.build.reach:
        result = answers[f"reach {url}"]
        if not result.ok:
            yield unknown("registry", result)
            continue
        answer = http.parse_answer(result.stdout)
        if not answer.status:
            why = answer.error or "no answer"
            yield Diagnosis("registry", f"{url}, which builds load from, cannot be reached: {why}", _FIX)
