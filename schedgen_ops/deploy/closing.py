"""The record of a run that is over, on every host."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from schedgen_ops import events
from schedgen_ops.deploy import services
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import HandedOver, OpsError, Overruled, RolledBack
from schedgen_ops.fleet import Fleet
from schedgen_ops.masking import Veil
from schedgen_ops.release.record import State
from schedgen_ops.remote import Remote

_LINES = 8


def close(
    fleet: Fleet,
    host_runs: Sequence[HostRun],
    error: OpsError | None,
    steps: tuple[tuple[str, float], ...],
    emit: events.Emit,
    *,
    serves: bool,
    veil: Veil,
) -> None:
    """Write into every record how the run ended; warn where that fails, and change nothing of the outcome.

    Args:
        error: what ended it; None where all went well.
        serves: whether the new release is the one that serves.
        veil: masks what the run fetched: the record stays on the host, and other runs show it.
    """
    # Overruled: what is left is for the next one to look at, who finds the record begun. Handed over: the
    # records are the hosts' own to write then.
    if not host_runs or isinstance(error, Overruled | HandedOver):
        return
    state = State.FAILED if isinstance(error, RolledBack) else State.BROKEN
    if error is None or serves:
        state = State.DONE
    # With the lines of output that tell why: whoever looks for the cause later has only this.
    text = _told(veil.over((error.message, error.detail))) if error else ""
    by_host = {host_run.remote.name: host_run for host_run in host_runs}

    def one(remote: Remote) -> None:
        services.close(by_host[remote.name], state, text, steps)

    with suppress(KeyboardInterrupt):
        for host, failure in fleet.each(one).errors.items():
            events.warn(emit, f"how it ended is not in the release's record: {failure}", host)


def _told(said: tuple[str, str]) -> str:
    """An error's message, and the first lines of its detail."""
    message, detail = said
    return "\n".join((message, *detail.splitlines()[:_LINES]))
