"""What single operations have a manager do with services of a stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.swarm import STAY, STILL
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

RESTART, START, STOP, SCALE = "restart", "start", "stop", "scale"


def change(docker: Docker, stack: str, how: str, counts: Mapping[str, int], limit: int) -> Command:
    """Restarts, starts, stops or scales services and waits until it is so; `parse_rolled` reads the answer.

    Args:
        how: RESTART, START, STOP or SCALE.
        counts: the services, and how many containers each is to have: for SCALE; for START where
            nobody noted how many there were.
        limit: seconds until all must be well.
    """
    return host_script(
        "swarm/change",
        title=f"{how} {', '.join(counts)}",
        docker=docker.words,
        stack=stack,
        how=how,
        services=tuple(counts),
        counts=tuple(str(count) for count in counts.values()),
        limit=limit,
        stay=STAY,
        still=STILL,
    )


def number(folder: str, counts: Mapping[str, int]) -> Command:
    """Has the files of services in `folder` say how many containers each is to have."""
    return host_script(
        "swarm/number",
        title="keep how many containers there are to be",
        folder=folder,
        services=tuple(counts),
        counts=tuple(str(count) for count in counts.values()),
    )
