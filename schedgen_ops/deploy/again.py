"""What was stopped for a while and not started by whoever stopped it, started again."""

from __future__ import annotations

from schedgen_ops.commands import stopped
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK

# Whatever still works there is waited for.
_LONGEST = 3600.0 + QUICK


def start(site: HostRun) -> None:
    """Start the containers that are on record as stopped by us, if there are any.

    Raises:
        OpsError: naming the first that did not start; the others did.
    """
    command = stopped.start(site.docker, site.paths.state)
    answer = site.remote.run(command, deadline=_LONGEST, check=False)
    began = answer.lines()
    if not answer.ok:
        why = (answer.stderr.strip().splitlines() or [f"exit code {answer.code}"])[-1]
        raise OpsError(
            f"what was stopped for a while does not start: {why}",
            host=site.remote.name,
            hint=f"Mend it, or remove its file in {site.paths.state}/stopped if it is not to run any more.",
        )
    if began:
        site.containers_changed()
        site.righted = "what had been stopped for a while was started"
        site.warn(f"Started what had been stopped for a while: {len(began)} containers")
