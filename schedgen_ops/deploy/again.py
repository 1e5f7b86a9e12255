"""What was stopped or out of reach for a while, and not put back by whoever did that, is put back."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.backup.restore import half
from schedgen_ops.commands import stopped
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK

# Whatever still works there is waited for.
_LONGEST = 3600.0 + QUICK


def put_back(host_run: HostRun) -> None:
    """Put data back that was being exchanged, if there is any; on several hosts before anybody is started.

    Raises:
        OpsError: where it cannot be put back.
    """
    text = half.look(host_run.context)
    if text is not None:
        _put_back(host_run, text)


def start(host_run: HostRun) -> None:
    """Put data back that was being exchanged, and start what was stopped, if there is any.

    Raises:
        OpsError: naming what could not be put back, or the first that did not start; the others did.
    """
    text = _started(host_run)
    if text is not None:
        _put_back(host_run, text)
        _started(host_run)


def _put_back(host_run: HostRun, text: str) -> None:
    half.put_back(host_run.context, half.read(host_run.context, text))
    host_run.containers_changed()
    host_run.righted = "data that was being exchanged was put back"


def _started(host_run: HostRun) -> str | None:
    """Start the containers that are on record as stopped by us, if there are any.

    Returns:
        the note of data that is being exchanged, in which case none was started; None for none.

    Raises:
        OpsError: naming the first that did not start; the others did.
    """
    command = stopped.start(host_run.docker, host_run.paths.state)
    answer = host_run.remote.run(command, deadline=_LONGEST, check=False)
    began = [line for line in answer.lines() if line.startswith("started ")]
    if not answer.ok:
        why = (answer.stderr.strip().splitlines() or [f"exit code {answer.code}"])[-1]
        raise OpsError(
            f"what was stopped for a while does not start: {why}",
            host=host_run.remote.name,
            hint=f"Mend it; or, if it is to run no more, remove its file in {host_run.paths.state}/stopped.",
        )
    if began:
        host_run.containers_changed()
        host_run.righted = "what had been stopped for a while was started"
        host_run.warn(f"Started what had been stopped for a while: {len(began)} containers")
    _join(host_run, [line.removeprefix("cut ") for line in answer.lines() if line.startswith("cut ")])
    return half.note_in(answer.lines())


def _join(host_run: HostRun, services: Sequence[str]) -> None:
    """Let what a killed run put out of reach be reached again, before anything is judged by how it runs."""
    if services:
        host_run.run(host_run.orchestrator.join(host_run.paths.state, services), _LONGEST)
        host_run.righted = "what had been out of reach for a while is reached again"
        host_run.warn(f"What was out of reach for a while is reached again: {', '.join(services)}")
