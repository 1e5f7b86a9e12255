"""`inv deploy.recover`: what an interrupted run left, taken back on every host of the fleet."""

from __future__ import annotations

from schedgen_ops.deploy import images, measured, pipeline, recovery, services
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
        except OpsError as error:
            measured.outcome(error, session.host_runs)
            raise
        # What is said to serve then was asked.
        session.do(services.answers)
