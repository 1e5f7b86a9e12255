"""The script that keeps the ingress as a release has it; the first time it hands the published ports over.

Like those of `scripts`, it is one round trip and ends what it began.
"""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.commands.compose import Compose
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.shell import Command


def ingress(
    compose: Compose,
    paths: Paths,
    folder: str,
    behind: Mapping[str, ServiceRecord],
    health: int,
    *,
    repair: bool = False,
) -> Command:
    """Keep the ingress as a release has it; if there is none yet, it takes over the ports of `behind`.

    Args:
        folder: the path of the release's folder, with compose.yaml and haproxy.cfg.
        behind: the services behind the ingress.
        health: seconds until a container must be healthy.
        repair: whether what a killed run left closed is opened again.
    """
    services = (*behind, "schedgen-ingress")
    return host_script(
        "rollout/ingress",
        title=f"replace {', '.join(services)}",
        state=paths.state,
        services=services,
        docker=compose.docker.words,
        compose=compose.words_of(folder),
        project=compose.project,
        folder=paths.ingress,
        config=f"{folder}/haproxy.cfg",
        repair="yes" if repair else "",
        pairs=[f"{name}={record.replicas}" for name, record in behind.items()],
        limit=health,
    )
