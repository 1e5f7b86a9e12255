"""What a roll-out asks of whatever runs a project's services on a host: commands, a round trip each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord
from schedgen_ops.shell import Command

# A share of the requests: all of them, and nothing for the old containers, not even should the new ones die.
ALL = 101
# How `ingress` ends where the ports are left without those that had them, or with both.
NOT_BACK = 20


class Orchestrator(Protocol):
    """What runs the services of a project. A `folder` is the path of a release's, with its definition.

    Those that replace containers go on when the connection dies, put everything in order whatever happens,
    and may be sent again: a host is never left between two releases of a service. One at a time works on it.
    """

    def containers(self) -> Command:
        """List the project's containers; `commands.docker.parse_containers` reads the answer."""
        ...

    def resolve(self, folder: str) -> Command:
        """Keep what the owner's definition means now in `folder`, and tell it."""
        ...

    def pin(self, folder: str, overlay: str) -> Command:
        """Keep the release's own definition in `folder`: the owner's under our `overlay`."""
        ...

    def pull(self, folder: str, *services: str) -> Command:
        """Pull the images of services, by the owner's names of them."""
        ...

    def build(self, folder: str, *services: str) -> Command:
        """Build images under the release's own names; nothing that runs is touched."""
        ...

    def run(self, folder: str, service: str, *argv: str) -> Command:
        """Run a command in a one-off container of a service, which is removed when it ends."""
        ...

    def logs(self, folder: str, service: str, lines: int) -> Command:
        """Print the last `lines` lines that a service's containers wrote, on stdout."""
        ...

    def up(self, folder: str, service: str, wait: int) -> Command:
        """Stop a service's containers, start new ones, and wait at most `wait` seconds for their health."""
        ...

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
        """Start new containers beside the old ones; `scripts.start_beside` tells more."""
        ...

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
        """Drain and remove one side of a service's containers; `scripts.retire` tells more."""
        ...

    def remove(self, state: str, service: str, *, release_id: ReleaseId) -> Command:
        """Remove the containers of a service that are of a release."""
        ...

    def promote(
        self,
        paths: Paths,
        release_id: ReleaseId,
        services: Sequence[str],
        record: Release | None = None,
        *,
        beside: bool = False,
    ) -> Command:
        """Make a release the one that serves; `scripts.promote` tells more."""
        ...

    def ingress(
        self,
        paths: Paths,
        folder: str,
        behind: Mapping[str, ServiceRecord],
        health: int,
        *,
        repair: bool = False,
    ) -> Command:
        """Keep the ingress as a release has it; `port_handover.ingress` tells more."""
        ...

    def finished(self, state: str, service: str, patience: float = 900) -> Command:
        """Wait until none of these works on a service any more, at most `patience` seconds."""
        ...

    def well(self, containers: Sequence[str], health: int) -> Command:
        """Wait until containers are well, at most `health` seconds; fail as soon as one is not."""
        ...

    def untag(self, images: Sequence[str]) -> Command:
        """Remove names of images."""
        ...
