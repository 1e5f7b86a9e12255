"""What replaces a service's containers on the host: each script is one round trip, and ends what it began.

A script goes on when the connection dies, and puts everything in order whatever happens, so that a host is
never left between two releases of a service. Its lines for us are `say TEXT`, `moved` once requests go to
those that stay, and `ended MICROSECONDS`: how long the old containers took to end what they had begun.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.compose import Compose
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, to_json
from schedgen_ops.shell import Command, Value


def _of(compose: Compose, state: str, service: str) -> dict[str, Value]:
    """What every script is given that works alone on a service."""
    return {
        "state": state,
        "services": (service,),
        "docker": compose.docker.words,
        "project": compose.project,
        "service": service,
    }


def start_beside(
    compose: Compose,
    state: str,
    folder: str,
    service: str,
    record: ServiceRecord,
    health: int,
    *,
    share: int = 100,
) -> Command:
    """Start new containers beside the old ones, healthy before the old ones go.

    Behind the ingress the old ones stay: they get one request in 257, and all of them should the new ones
    die; `retire` takes one side away.

    Args:
        state: the path of the folder of our state.
        folder: the path of the release's folder, with its compose.yaml.
        health: seconds until they must be healthy.
        share: percent of the requests that the new ones get; below 100 the old ones get the rest. With 100
            they stand by, with ALL they get nothing, not even should the new ones die.
    """
    return host_script(
        "rollout/start_beside",
        title=f"replace {service}",
        **_of(compose, state, service),
        compose=compose.words_of(folder),
        wanted=record.replicas,
        release=folder,
        proxies=record.proxies,
        share=share,
        limit=health,
    )


def retire(
    compose: Compose,
    state: str,
    service: str,
    record: ServiceRecord,
    drain: int,
    *,
    release_id: ReleaseId,
    back: bool = False,
) -> Command:
    """Drain and remove the containers of a service that are not of a release, while that one serves.

    Args:
        state: the path of the folder of our state.
        drain: seconds for requests in flight to end.
        release_id: whose containers.
        back: the other way round: its containers go, those that were there before serve again.
            Ends with 10 where none of them is there and well.
    """
    return host_script(
        "rollout/retire",
        title=f"replace {service}",
        **_of(compose, state, service),
        proxies=record.proxies,
        release=release_id,
        back="yes" if back else "",
        wanted=record.replicas,
        drain=drain,
    )


def remove(compose: Compose, state: str, service: str, *, release_id: ReleaseId) -> Command:
    """Stop and remove the containers of a service that are of a release; whoever made others keeps them.

    Args:
        state: the path of the folder of our state.
        release_id: whose containers.
    """
    return host_script(
        "rollout/remove",
        title=f"remove {service}",
        **_of(compose, state, service),
        release=release_id,
    )


def promote(
    compose: Compose,
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
        services: those behind the ingress that it replaced.
        record: what its record says from now on; None leaves it.
        beside: whether the record is on the host already, beside its place.
    """
    text = to_json(record).encode() if record else b""
    command = host_script(
        "rollout/promote",
        title=f"serve {', '.join(services)}",
        state=paths.state,
        docker=compose.docker.words,
        project=compose.project,
        current=paths.current,
        release=release_id,
        folder=paths.release(release_id),
        services=services,
        size="beside" if beside else str(len(text) or ""),
    )
    return command.with_stdin(text) if record else command


def finished(state: str, service: str, patience: float = 900) -> Command:
    """Wait until no script works on a service any more, at most so many seconds."""
    title = f"wait for {service}"
    return host_script("rollout/wait", title=title, state=state, service=service, timeout=round(patience))


def well(compose: Compose, containers: Sequence[str], health: int) -> Command:
    """Wait until containers are well, at most `health` seconds; fail as soon as one is not."""
    return host_script(
        "rollout/wait_healthy",
        title="wait until all is well",
        docker=compose.docker.words,
        containers=containers,
        limit=health,
    )
