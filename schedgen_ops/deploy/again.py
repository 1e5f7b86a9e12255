"""What was stopped for a while and not started by whoever stopped it, started again."""

from __future__ import annotations

from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.create.run import catalog
from schedgen_ops.backup.restore.run import Restore
from schedgen_ops.backup.restore.swap import parse_note
from schedgen_ops.commands import stopped
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import QUICK

# Whatever still works there is waited for.
_LONGEST = 3600.0 + QUICK


def start(site: HostRun) -> None:
    """Put data back that was being exchanged, and start what was stopped, if there is any.

    Raises:
        OpsError: naming what could not be put back, or the first that did not start; the others did.
    """
    if note := _started(site):
        _take_back(site, note)
        _started(site)


def _take_back(site: HostRun, note: str) -> None:
    """The old data in place again where an exchange was cut off; nobody uses it meanwhile."""
    site.warn("Data was being exchanged when the host, or the run, was cut off: the old data is put in place")
    try:
        known = parse_note(note)
    except ValueError as error:
        file = f"{site.paths.state}/swapping"
        raise OpsError(
            f"which data was being exchanged is not known: {error}",
            host=site.remote.name,
            hint=f"`inv backup.list` and `inv emergency.recover` restore all of it; remove {file} then.",
        ) from None
    held = selection.named(catalog(site.context), known.backup, site.remote.name)
    restore = Restore(site.context, held, frozenset(known.parts), known.stamp, halted=True)
    restore.back()
    restore.drop()
    site.containers_changed()
    site.righted = "data that was being exchanged was put back"


def _started(site: HostRun) -> str:
    """Start the containers that are on record as stopped by us, if there are any.

    Returns:
        the note of data that is being exchanged; "" for none.

    Raises:
        OpsError: naming the first that did not start; the others did.
    """
    command = stopped.start(site.docker, site.paths.state)
    answer = site.remote.run(command, deadline=_LONGEST, check=False)
    began = [line for line in answer.lines() if line.startswith("started ")]
    notes = [line.removeprefix("swapping ") for line in answer.lines() if line.startswith("swapping ")]
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
    return notes[0] if notes else ""
