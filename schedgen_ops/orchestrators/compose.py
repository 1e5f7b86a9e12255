"""Docker Compose, as what runs a project's services. Pure.

Compose cannot have two releases of a service at once: what replaces containers is a script, a round trip. It
goes on when the connection dies, and puts everything in order whatever happens, so that a host is never left
between two releases of a service. Its lines for us are `say TEXT`, and `moved` once requests go to those that
stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import INGRESS, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.proxy import Proxy
from schedgen_ops.proxy.routes import called
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, to_json
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, Value


def compose_of(settings: Settings, *, classic: bool = False) -> ComposeOrchestrator:
    """Return Docker Compose on the owner's files of an environment.

    Args:
        classic: build with the engine's classic builder, where a host has no buildx.
    """
    s = settings
    files, docker = s.compose_files, Docker(s.sudo)
    return ComposeOrchestrator(docker, s.project, s.directory, files, s.env_file, classic, s.profiles)


def only_name(record: ServiceRecord) -> str:
    """Return what alone leads to a service's containers, where its name leads to the ingress; else ""."""
    return record.alias if called(record.proxies) else ""


class ComposeOrchestrator(Compose):
    """Docker Compose's own commands, and scripts for what it cannot do."""

    __slots__ = ()

    def _given(self, state: str, service: str) -> dict[str, Value]:
        """What every script is given that works alone on a service."""
        return {
            "state": state,
            "services": (service,),
            "docker": self.docker.words,
            "project": self.project,
            "service": service,
        }

    def _sides(
        self, state: str, service: str, record: ServiceRecord, drain: int, proxy: Proxy, release_id: ReleaseId
    ) -> dict[str, Value]:
        """What those are given besides that work on both sides of a service, what stays and what goes."""
        return {
            **self._given(state, service),
            "proxy": proxy.name,
            "proxies": record.proxies,
            "release": release_id,
            "wanted": record.replicas,
            "drain": drain,
        }

    def containers(self) -> Command:
        """List the project's containers."""
        return self.docker.containers(self.project)

    def down(self, folder: str, *services: str) -> Command:
        """Stop and remove the containers of `services`; all of them and the networks without any."""
        if services:
            return self.of(folder, "rm", "--stop", "--force", *services)
        return self.of(folder, "down", "--remove-orphans")

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
        """Start new containers beside the old ones, and wait until they are healthy."""
        return host_script(
            "rollout/start_beside",
            title=f"replace {service}",
            **self._given(state, service),
            compose=self.words_of(folder),
            wanted=record.replicas,
            release=folder,
            proxy=proxy.name,
            proxies=record.proxies,
            alias=only_name(record),
            share=share,
            limit=health,
        )

    def run_job(
        self, state: str, folder: str, service: str, patience: int, *, release_id: ReleaseId
    ) -> Command:
        """Run a service to its end: `up --wait` takes the end of a container for a failure."""
        return host_script(
            "rollout/job",
            title=f"run {service}",
            **self._given(state, service),
            compose=self.words_of(folder),
            release=release_id,
            limit=patience,
        )

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
        """Put the containers of a service that are not of a release out of reach; they go on running."""
        return host_script(
            "rollout/cut_off",
            title=f"cut off {service}",
            **self._sides(state, service, record, drain, proxy, release_id),
            how="names" if names else "",
        )

    def join(self, state: str, services: Sequence[str]) -> Command:
        """Let what was put out of reach of services be reached again as before."""
        title = f"join {', '.join(services)}"
        given = {"state": state, "services": services, "docker": self.docker.words}
        return host_script("rollout/join", title=title, **given)

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
        """Drain and remove the containers of a service that are not of a release, while that one serves."""
        return host_script(
            "rollout/retire",
            title=f"replace {service}",
            **self._sides(state, service, record, drain, proxy, release_id),
            back="yes" if back else "",
        )

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
        """Leave what a release replaced of a service, which is out of reach, for a while."""
        return host_script(
            "rollout/stand_by",
            title=f"leave what was replaced of {service}",
            **self._sides(state, service, record, drain, proxy, release_id),
        )

    def remove(self, state: str, service: str, *, release_id: ReleaseId) -> Command:
        """Stop and remove the containers of a service that are of a release."""
        return host_script(
            "rollout/remove",
            title=f"remove {service}",
            **self._given(state, service),
            release=release_id,
        )

    def promote(
        self,
        paths: Paths,
        release_id: ReleaseId,
        services: Sequence[str],
        record: Release | None = None,
        *,
        beside: bool = False,
    ) -> Command:
        """Make a release the one that serves, and the one that a reboot brings back."""
        text = to_json(record).encode() if record else b""
        command = host_script(
            "rollout/promote",
            title=f"serve {', '.join(services)}",
            state=paths.state,
            docker=self.docker.words,
            project=self.project,
            current=paths.current,
            release=release_id,
            folder=paths.release(release_id),
            services=services,
            size="beside" if beside else str(len(text) or ""),
        )
        return command.with_stdin(text) if record else command

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
        """Keep the ingress as a release has it; if there is none yet, it takes over the ports of `behind`."""
        services = (*behind, INGRESS)
        return host_script(
            "rollout/ingress",
            title=f"replace {', '.join(services)}",
            state=paths.state,
            services=services,
            docker=self.docker.words,
            compose=self.words_of(folder),
            project=self.project,
            folder=paths.ingress,
            proxy=proxy.name,
            config=f"{folder}/{proxy.config_name}",
            repair="yes" if repair else "",
            pairs=[f"{name}={record.replicas}" for name, record in behind.items()],
            limit=health,
            drain=drain,
            checks=checks,
        )

    def finished(self, state: str, service: str, patience: float = 900) -> Command:
        """Wait until no script works on a service any more, at most so many seconds."""
        title = f"wait for {service}"
        return host_script("rollout/wait", title=title, state=state, service=service, timeout=round(patience))

    def well(self, containers: Sequence[str], health: int) -> Command:
        """Wait until containers are well, at most `health` seconds; fail as soon as one is not."""
        return host_script(
            "rollout/wait_healthy",
            title="wait until all is well",
            docker=self.docker.words,
            containers=containers,
            limit=health,
        )

    def untag(self, images: Sequence[str]) -> Command:
        """Remove names of images."""
        return self.docker.untag(*images)
