"""Docker Compose, as what runs a project's services. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.orchestrators import port_handover, scripts
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord
from schedgen_ops.shell import Command


class ComposeOrchestrator(Compose):
    """Docker Compose's own commands, and scripts for what it cannot do: two releases of a service at once."""

    __slots__ = ()

    def containers(self) -> Command:
        """List the project's containers."""
        return self.docker.containers(self.project)

    def start_beside(
        self,
        state: str,
        folder: str,
        service: str,
        record: ServiceRecord,
        health: int,
        *,
        share: int = 100,
    ) -> Command:
        """Start new containers beside the old ones."""
        return scripts.start_beside(self, state, folder, service, record, health, share=share)

    def retire(
        self,
        state: str,
        service: str,
        record: ServiceRecord,
        drain: int,
        *,
        release_id: ReleaseId,
        back: bool = False,
    ) -> Command:
        """Drain and remove one side of a service's containers."""
        return scripts.retire(self, state, service, record, drain, release_id=release_id, back=back)

    def remove(self, state: str, service: str, *, release_id: ReleaseId) -> Command:
        """Remove the containers of a service that are of a release."""
        return scripts.remove(self, state, service, release_id=release_id)

    def promote(
        self,
        paths: Paths,
        release_id: ReleaseId,
        services: Sequence[str],
        record: Release | None = None,
        *,
        beside: bool = False,
    ) -> Command:
        """Make a release the one that serves."""
        return scripts.promote(self, paths, release_id, services, record, beside=beside)

    def ingress(
        self,
        paths: Paths,
        folder: str,
        behind: Mapping[str, ServiceRecord],
        health: int,
        *,
        repair: bool = False,
    ) -> Command:
        """Keep the ingress as a release has it."""
        return port_handover.ingress(self, paths, folder, behind, health, repair=repair)

    def finished(self, state: str, service: str, patience: float = 900) -> Command:
        """Wait until no script works on a service any more."""
        return scripts.finished(state, service, patience)

    def well(self, containers: Sequence[str], health: int) -> Command:
        """Wait until containers are well."""
        return scripts.well(self, containers, health)

    def untag(self, images: Sequence[str]) -> Command:
        """Remove names of images."""
        return self.docker.untag(*images)
