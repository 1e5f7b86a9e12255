"""The guarded deploy on a Swarm, step by step."""

from __future__ import annotations

from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.run import last
from schedgen_ops.deploy.session import Session
from schedgen_ops.guard.run import watched
from schedgen_ops.shell import Secret
from schedgen_ops.swarm import canary, canary_watch, run
from schedgen_ops.swarm.guarding import NodesWatching


def guarded(session: Session, webhook: Secret | None = None) -> Pipeline:
    """Return the pipeline of a deploy whose release is watched once verified, and kept or taken back.

    With `guard.canary` a canary is watched before, and all services are replaced once that does well.

    Args:
        webhook: where the manager tells the team, once no operator's process is left to; None for nowhere.

    Raises:
        TypeError: for a session that is on no Swarm.
    """
    on = run.of(session)
    number, watching = last(on), NodesWatching(on, webhook, on=on)
    shares = bool(on.settings.guard.canary)
    first = (canary.beginning(on), canary_watch.watching(on, webhook)) if shares else ()
    # Whether they stay up is for the watch to see.
    checked = (run.check(on, number), *((canary.ending(on),) if shares else ()))
    end = (*checked, watched(watching, number + 1), run.clean_up(on, number + 2))
    return Pipeline(on, (*run.until_verified(on, first), *end))
