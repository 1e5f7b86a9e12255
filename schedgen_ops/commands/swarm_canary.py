"""The canaries of a Swarm: the ingress of a node told of them, and those found that are there. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

NO_INGRESS = "none"
# Seconds in which the containers of a canary end by themselves, at most.
ENDED = 90


def join(
    docker: Docker, project: str, proxy: str, routes: Sequence[tuple[str, str, int]], limit: int
) -> Command:
    """Has a node's ingress find canaries, without a share; it prints NO_INGRESS where the node has none.

    Args:
        proxy: the name of the proxy that is the ingress.
        routes: its routes, each with the name by which its canary's containers are found, and their number.
        limit: seconds until it must see them well.
    """
    names, found_as, counts = zip(*routes, strict=True)
    return host_script(
        "swarm/canary_join",
        title="tell the ingress of the canary",
        docker=docker.words,
        project=project,
        proxy=proxy,
        routes=names,
        names=found_as,
        counts=[str(count) for count in counts],
        limit=limit,
    )


def hush(docker: Docker, project: str, proxy: str, routes: Sequence[str]) -> Command:
    """Has a node's ingress send nothing more to canaries, which it still finds."""
    return _leave(docker, project, proxy, routes, "", "take the canary's share")


def leave(docker: Docker, project: str, proxy: str, routes: Sequence[str], drain: int) -> Command:
    """Has a node's ingress send nothing more to canaries, and find them no more.

    Args:
        drain: seconds that requests may take which they have begun.
    """
    return _leave(docker, project, proxy, routes, str(drain), "take the canary from the ingress")


def _leave(
    docker: Docker, project: str, proxy: str, routes: Sequence[str], drain: str, title: str
) -> Command:
    return host_script(
        "swarm/canary_leave",
        title=title,
        docker=docker.words,
        project=project,
        proxy=proxy,
        routes=routes,
        drain=drain,
    )


def end(docker: Docker, project: str, services: Sequence[str]) -> Command:
    """Has a manager end canaries, and remove them once none of their containers runs.

    Args:
        services: their names; those that are not there are passed over.
    """
    return host_script(
        "swarm/canary_end",
        title="end the canary",
        docker=docker.words,
        stack=project,
        services=services,
        limit=ENDED,
    )


def there(docker: Docker, project: str) -> Command:
    """Asks a manager for the canaries of a project, the name of each a line."""
    return host_script(
        "swarm/canaries", title="look for canaries", docker=docker.words, stack=project, project=project
    )
