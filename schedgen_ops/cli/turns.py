"""What `inv deploy.plan` says of a host among others: whence its images come, and when its turn is."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.deploy import rolling
from schedgen_ops.task_run import Operation


def built(op: Operation, host: str) -> tuple[tuple[str, str], ...]:
    """Return where the images of a host are built, in a run that builds them once."""
    first, *others = op.fleet.names
    if op.builder:
        mend = (("To mend", problem.text) for problem in op.builder.engine().problems if problem.refuses)
        return (*mend, ("Images", "built on this machine, and carried here"))
    if not (others and op.settings.build.once and op.settings.from_git):
        return ()
    return (("Images", "built here, for all" if host == first else f"built on {first}, and carried here"),)


def turn(op: Operation, host: str) -> Iterator[tuple[str, str]]:
    """Yield when the turn of a host comes, and what it is taken out of meanwhile."""
    names, settings = op.fleet.names, op.settings
    turns = rolling.batches(settings, names, judged=True)
    for number, batch in enumerate(turns):
        if host not in batch:
            continue
        others = [name for name in batch if name != host]
        beside = f", with {', '.join(others)}" if others else ""
        watched = f"; watched {settings.rollout.canary_watch} s before the others get it"
        canary = watched if number == 0 and rolling.canaries(settings, names) else ""
        yield "Turn", f"{number + 1} of {len(turns)}{beside}{canary}"
    balancer = settings.balancer
    if balancer and any(one.name == host for one in settings.balanced_hosts()):
        way = f"503 at {balancer.health}" if balancer.health else "told from here"
        yield "Load balancer", f"taken out before its services are touched ({way}), back once verified"
