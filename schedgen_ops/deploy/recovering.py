"""`inv deploy.recover`: what an interrupted run left, taken back on every host of the fleet."""

from __future__ import annotations

from schedgen_ops.backup.catalog import superseded
from schedgen_ops.deploy import cleaning, images, measured, pipeline, recovery
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError
from schedgen_ops.runner import StepRunner


def recover(session: Session) -> None:
    """Look at every host, lock it, and take back what an interrupted run left.

    Raises:
        OpsError: where a host cannot be put right, or what serves does not pass its checks.
    """
    session.settings = recovery.unlimited(session.settings)
    with session:
        try:
            StepRunner(session.emit, session.clock).run((pipeline.preflight(session),))
            session.do(images.sweep)
            session.do(_restored)
        except OpsError as error:
            measured.outcome(error, session.host_runs)
            raise
        # What is said to serve then was asked.
        session.answers()
        if session.balancer and (out := session.balancer.out):
            hint = "What keeps each of them out is told above; run it again once that is mended."
            raise OpsError("a host is still out of the load balancer", host=", ".join(sorted(out)), hint=hint)


def _restored(host_run: HostRun) -> None:
    """Remove what a restore left that was cut off before its data took its place; it is in nobody's way."""
    with cleaning.as_warning(host_run.context.emit):
        if names := superseded.sweep(host_run.context):
            host_run.say(f"Removed what a restore left unfinished: {', '.join(names)}")
            host_run.righted = host_run.righted or "what a restore had left unfinished was removed"
