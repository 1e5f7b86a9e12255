"""The parts that all steps of an emergency share on a host."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.backup.data_location import running
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.host_context import AtHost
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import NO_RELEASE, ReleaseId
from schedgen_ops.rollout import scope
from schedgen_ops.shell import Command

_MARGIN = 120.0


@dataclass(slots=True)
class Base(AtHost):
    """A host in an emergency."""

    _release_id: ReleaseId | None = None
    _jobs: frozenset[str] = frozenset()

    @property
    def release_id(self) -> ReleaseId:
        """The id of the release that is to serve; "" where nothing was deployed by us."""
        if self._release_id is None:
            paths, at = Paths(self.settings.directory), self.context.records or self.remote
            serving = store.known(at, paths).serving
            self._release_id = serving.id if serving else NO_RELEASE
            records = serving.services if serving else {}
            self._jobs = frozenset({*records} - {*scope.lasting(records)})
        return self._release_id

    @property
    def jobs(self) -> frozenset[str]:
        """The services that end: Compose runs those that others wait for; no more of them is asked for."""
        return (self._jobs if self.release_id else frozenset()) | {*self.settings.rollout.jobs}

    def box(self, service: str) -> engine.Container | None:
        """Return the container of a service that has one."""
        boxes = running(self.context)
        return next((box for box in boxes if box.service == service), None)

    @property
    def options(self) -> tuple[str, ...]:
        """The options that services are started with."""
        wait = str(self.settings.health.deadline)
        never = ("--pull", "never") if self.release_id else ()
        return ("--detach", "--no-build", "--wait", "--wait-timeout", wait, *never)

    @property
    def patience(self) -> float:
        """The seconds that starting services may take, after the jobs that they wait for."""
        jobs = self.settings.rollout.job_deadline if self.jobs else 0
        return self.settings.health.deadline + _MARGIN + jobs

    def start(self, *services: str) -> None:
        """Start services as the release that is to serve has them, and wait until they are healthy."""
        self.run(self.compose("up", *self.options, *services), self.patience)

    def compose(self, *argv: str) -> Command:
        """Return `docker compose ARGV...` on the definition of the release that is to serve."""
        compose = compose_of(self.settings)
        if self.release_id:
            return compose.of(Paths(self.settings.directory).release(self.release_id), *argv)
        return compose.by_owner(*argv)

    def run(self, command: Command, deadline: float) -> str:
        """Run a command and return what it prints; where it fails, its last line is the reason."""
        try:
            return self.remote.run(command, deadline=deadline).stdout
        except CommandFailed as error:
            lines = [line for line in error.detail.splitlines() if line.strip()]
            reason = lines[-1].strip() if lines else error.message
            raise OpsError(f"{command} failed: {reason}", host=error.host, detail=error.detail) from error
