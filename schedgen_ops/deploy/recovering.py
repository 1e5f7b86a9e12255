"""`inv deploy.recover`: what an interrupted run left, taken back on every host of the fleet."""

from __future__ import annotations

from schedgen_ops.deploy import images, measured, recovery, services
from schedgen_ops.deploy.base import Change
from schedgen_ops.errors import OpsError
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step


class Recovery(Change):
    """What an interrupted run left, taken back on every host of the fleet."""

    def recover(self) -> None:
        """Looks, locks, and puts right.

        Raises:
            OpsError: where a host cannot be put right, or what serves does not pass its checks.
        """
        self.settings = recovery.unlimited(self.settings)
        gate = Step("", "Pre-flight Checks", self.preflight, gate=True)
        with self._stack:
            try:
                StepRunner(self.emit, self.clock).run((gate,))
                self._do(images.sweep)
            except OpsError as error:
                measured.outcome(error, self.sites)
                raise
            # What is said to serve then was asked.
            self._do(services.answers)
