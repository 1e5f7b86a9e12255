"""A service that ends is run to its end, at every release. Pure."""

from __future__ import annotations

from collections.abc import Collection

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.strategies.contract import Strategy
from schedgen_ops.rollout.versions import Version
from schedgen_ops.settings import Rollout, Settings
from schedgen_ops.shell import Command


class Job(Strategy):
    """For what prepares something for others, and is over then; no way back runs it again."""

    name = "job"
    beside = False
    ends = True
    tells = True

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return the services of `rollout.jobs`."""
        return rollout.jobs

    def suits(self, service: Service, settings: Settings) -> bool:
        """Return whether another one waits until it has ended well, or it was seen to."""
        return service.ends

    def patience(self, project: Project) -> int:
        """Return how long a job may take."""
        return project.settings.rollout.job_deadline

    def text(self, new: Version, share: int) -> str:
        """Return that it is run."""
        return f"run {new} to its end"

    def command(self, project: Project, new: Version, share: int) -> Command:
        """Return the script that runs it; what has ended well for this release already is not run again."""
        folder = project.paths.release(new.release_id)
        return project.orchestrator.run_job(
            project.paths.state, folder, new.service, self.patience(project), release_id=new.release_id
        )

    def told(self, service: Service, record: ServiceRecord) -> str:
        """Return that it is a job, and how long it took."""
        return f"{self.name}{f', about {record.seconds:.0f} s as last time' if record.seconds else ''}"
