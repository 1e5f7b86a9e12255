"""What a roll-out asks of whatever runs a project's services on a host: commands, a round trip each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from schedgen_ops.commands.picks import AS_IT_STANDS, Pick
from schedgen_ops.proxy import Proxy
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

    def resolve(self, folder: str, pick: Pick = AS_IT_STANDS) -> Command:
        """Keep what the owner's definition means now in `folder`, and tell it.

        Args:
            pick: the tag of images that it is read with.
        """
        ...

    def pin(self, folder: str, overlay: str) -> Command:
        """Keep the release's own definition in `folder`: the owner's under our `overlay`."""
        ...

    def pull(self, folder: str, *services: str) -> Command:
        """Pull the images of services, by the owner's names of them."""
        ...

    def build(self, folder: str, *services: str, pull: bool = False) -> Command:
        """Build images under the release's own names; nothing that runs is touched.

        Args:
            pull: whether the images that they begin with are pulled though they are here.
        """
        ...

    def run(self, folder: str, service: str, *argv: str) -> Command:
        """Run a command in a one-off container of a service, which is removed when it ends."""
        ...

    def logs(self, folder: str, service: str, lines: int) -> Command:
        """Print the last `lines` lines that a service's containers wrote, on stdout."""
        ...

    def up(
        self,
        folder: str,
        service: str,
        wait: int,
        count: int | None = None,
        *,
        ports: Iterable[int] = (),
    ) -> Command:
        """Stop a service's containers, start new ones, and wait at most `wait` seconds for their health.

        A volume that each container has for itself goes over to the new one.

        Args:
            count: how many containers it is to have; None leaves that to the definition.
            ports: those of the host that are known to be its own, for one that is on the host's network.
        """
        ...

    def down(self, folder: str, *services: str) -> Command:
        """Stop and remove the containers of `services`; all of them and the networks without any."""
        ...

    def start_beside(
        self,
        state: str,
        folder: str,
        service: str,
        record: ServiceRecord,
        health: int,
        *,
        proxy: Proxy,
        share: int = 100,
    ) -> Command:
        """Start new containers beside the old ones, and wait until they are healthy.

        The old ones stay, and `retire` takes one side away. Behind the ingress they get hardly a request, and
        all of them should the new ones die; else the service's name does not lead to them any more.

        Args:
            state: the path of the folder of our state.
            folder: the path of the release's folder, with its compose.yaml.
            health: seconds until they must be healthy.
            proxy: the ingress.
            share: percent of the requests that the new ones get; below 100 the old ones get the rest. With
                100 they stand by, with ALL they get nothing, not even should the new ones die.
        """
        ...

    def run_job(
        self, state: str, folder: str, service: str, patience: int, *, release_id: ReleaseId
    ) -> Command:
        """Run a service to its end, at most `patience` seconds; where it does not end well, it is removed.

        What ended well for the release already is not run again; what still runs is waited for.
        """
        ...

    def cut_off(
        self,
        state: str,
        service: str,
        record: ServiceRecord,
        drain: int,
        *,
        proxy: Proxy,
        release_id: ReleaseId,
        names: bool = False,
    ) -> Command:
        """Put the containers of a service that are not of a release out of reach; they go on running.

        `retire` removes them, or lets them serve again; `join` only takes this back.

        Args:
            state: the path of the folder of our state.
            drain: seconds for requests in flight to end.
            proxy: the ingress.
            release_id: whose containers serve.
            names: they are only not found by a name any more; at their addresses they are as before.
        """
        ...

    def join(self, state: str, services: Sequence[str]) -> Command:
        """Let what was put out of reach of services be reached again as before."""
        ...

    def retire(
        self,
        state: str,
        service: str,
        record: ServiceRecord,
        drain: int,
        *,
        proxy: Proxy,
        release_id: ReleaseId,
        back: bool = False,
    ) -> Command:
        """Drain and remove the containers of a service that are not of a release, while that one serves.

        Args:
            state: the path of the folder of our state.
            drain: seconds for requests in flight to end.
            proxy: the ingress.
            release_id: whose containers.
            back: the other way round: its containers go, those that were there before serve again.
                Ends with 10 where none of them is there and well.
        """
        ...

    def stand_by(
        self,
        state: str,
        service: str,
        record: ServiceRecord,
        drain: int,
        *,
        proxy: Proxy,
        release_id: ReleaseId,
    ) -> Command:
        """Leave what a release replaced of a service, which is out of reach, for a while.

        They run on, under a name that no other command looks for; see deploy/standby.py for their end.
        """
        ...

    def remove(self, state: str, service: str, *, release_id: ReleaseId) -> Command:
        """Stop and remove the containers of a service that are of a release; whoever made others keeps them.

        Args:
            state: the path of the folder of our state.
            release_id: whose containers.
        """
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
        """Make a release the one that serves, and the one that a reboot brings back.

        Args:
            release_id: whose containers.
            services: those that it replaced and of which the old containers stand by.
            record: what its record says from now on; None leaves it.
            beside: whether the record is on the host already, beside its place.
        """
        ...

    def ingress(
        self,
        paths: Paths,
        folder: str,
        behind: Mapping[str, ServiceRecord],
        health: int,
        drain: int,
        *,
        proxy: Proxy,
        repair: bool = False,
        checks: Sequence[str] = (),
    ) -> Command:
        """Keep the ingress as a release has it; if there is none yet, it takes over the ports of `behind`.

        Args:
            folder: the path of the release's folder, with compose.yaml and the ingress's configuration.
            behind: the services behind the ingress.
            health: seconds until a container must be healthy.
            drain: seconds for what visitors have begun where the ports are.
            proxy: the ingress.
            repair: whether what a killed run left closed is opened again.
            checks: what has to pass through it, where who has the ports passes it: SECONDS STATUS URL
                each, of the status the first digits, or several with a comma between.
        """
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
