"""What a run that failed told of its cause, and which findings are no more than its traces. Pure.

What failed is gone from the hosts once it was taken back: its last words are in the run's own error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from schedgen_ops.doctor import containers, releases
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.errors import OpsError, RolledBack

_AGAIN = "then run it again"
_LONGEST = 300
# What fails of the builder or of the migrations, in the words of the runs.
_OF_RELEASE = re.compile(r"(Container build|Database migrations) (failed|timed out)")
# Steps whose output is that of services.
_OF_SERVICES = re.compile(r"rolling|verification|ingress|monitoring", re.IGNORECASE)
_FIXES = {
    "configuration": f"correct the env file or the compose file, {_AGAIN}",
    "dependency": f"`inv status` shows whether what it needs runs; {_AGAIN}",
    "out of memory": f"give it more memory in the compose file, {_AGAIN}",
    "disk full": f"inv ops.prune, {_AGAIN}",
    "permissions": f"let it read and write what it needs, {_AGAIN}",
    "port taken": f"end what has the port, {_AGAIN}",
    "image missing": f"see that the registry has it, {_AGAIN}",
    "network": f"mend the host's network, {_AGAIN}",
}
_SIGNS = dict(containers.SAID)
_ANYWHERE = (
    ("port taken", containers.PORT),
    ("image missing", containers.NO_IMAGE),
    ("disk full", _SIGNS["disk full"]),
)


def spoken_of(error: OpsError) -> Diagnosis | None:
    """Return the cause that what ended a run speaks of; None where it speaks of none that we know."""
    lines = tuple(line.strip() for line in (error.message, *error.detail.splitlines()) if line.strip())
    return next(_causes(error.step, lines), None)


def _causes(step: str, lines: Sequence[str]) -> Iterator[Diagnosis]:
    """What the lines speak of, most specific first."""
    of_release = bool(_OF_RELEASE.match(lines[0])) if lines else False
    for cause, pattern in (*_ANYWHERE, *(() if of_release else _of_step(step))):
        for line in lines:
            if pattern.search(line):
                yield Diagnosis(cause, f"what failed told of it: {line[:_LONGEST]}", _FIXES[cause])
    if of_release:
        cause, fix = releases.why("\n".join(lines))
        yield Diagnosis(cause, f"what failed told of it: {lines[-1][:_LONGEST]}", fix)


def _of_step(step: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What only the output of such a step tells of: elsewhere the same words mean something else."""
    if _OF_SERVICES.search(step):
        return containers.SAID
    return (("network", releases.NETWORK),)


def not_left_by(
    error: OpsError, found: Iterable[Diagnosis], *, migrated: bool, blank: bool = False
) -> tuple[Diagnosis, ...]:
    """Return the findings that are no traces of a run that failed.

    Left out are how it ended, the load that it made, the schema that stays by design, and, where all is
    verified to be back, services that started for it a moment ago.

    Args:
        migrated: whether the run had migrations of its own.
        blank: whether nothing ran there before.
    """
    back = error.exit_code == RolledBack.exit_code
    return tuple(
        one
        for one in found
        if one.trace not in ("end", "load")
        and one.cause != "failed deploy"
        and not (one.trace == "schema" and migrated)
        and not (one.cause == "not started yet" and back)
        and not (one.cause == "no container" and blank)
    )
