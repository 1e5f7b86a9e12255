"""What was stopped for a while and not started by whoever stopped it, started again."""

from __future__ import annotations

from schedgen_ops.backup.restore import half
from schedgen_ops.commands import stopped
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK

# Whatever still works there is waited for.
_LONGEST = 3600.0 + QUICK


def put_back(site: HostRun) -> None:
    """Put data back that was being exchanged, if there is any; on several hosts before anybody is started.

    Raises:
        OpsError: where it cannot be put back.
    """
    text = half.look(site.context)
    if text is not None:
        _put_back(site, text)


def start(site: HostRun) -> None:
    """Put data back that was being exchanged, and start what was stopped, if there is any.

    Raises:
        OpsError: naming what could not be put back, or the first that did not start; the others did.
    """
    text = _started(site)
    if text is not None:
        _put_back(site, text)
        _started(site)


def _put_back(site: HostRun, text: str) -> None:
    half.put_back(site.context, half.read(site.context, text))
    site.containers_changed()
    site.righted = "data that was being exchanged was put back"


def _started(site: HostRun) -> str | None:
    """Start the containers that are on record as stopped by us, if there are any.

    Returns:
        the note of data that is being exchanged, in which case none was started; None for none.

    Raises:
        OpsError: naming the first that did not start; the others did.
    """
    command = stopped.start(site.docker, site.paths.state)
    answer = site.remote.run(command, deadline=_LONGEST, check=False)
    began = [line for line in answer.lines() if line.startswith("started ")]
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
    return half.note_in(answer.lines())
