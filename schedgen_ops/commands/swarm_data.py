"""The data of a project on a Swarm: which node has it, and who uses it stopped for a while. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class Holding:
    """What a node has of a project's data.

    Attributes:
        runs: the services that hold data and have a container there.
        keeps: whether there are backups.
        down: whether an emergency took everything down from there, and was cut off.
        anew: whether the database had begun anew by then, and nothing was restored into it.
    """

    runs: tuple[str, ...] = ()
    keeps: bool = False
    down: bool = False
    anew: bool = False


def holding(docker: Docker, project: str, services: Sequence[str], directory: str, backups: str) -> Command:
    """Asks a node what it has of the data; `parse_holding` reads the answer."""
    return host_script(
        "swarm/holding",
        title="look for the data",
        docker=docker.words,
        project=project,
        services=services,
        directory=directory,
        backups=backups,
    )


def parse_holding(lines: Iterable[str]) -> Holding:
    """Reads the answer of `holding`."""
    told = tuple(lines)
    runs = tuple(line.removeprefix("runs ") for line in told if line.startswith("runs "))
    down = next((line for line in told if line.startswith("down")), "")
    return Holding(runs, "keeps" in told, bool(down), down.split() == ["down", "anew"])


def pause(docker: Docker, stack: str, record: str, services: Sequence[str], limit: int) -> Command:
    """Has services run nothing for a while; what they had is noted in `record` before.

    Args:
        limit: seconds for their end, beside what they themselves ask for.
    """
    return host_script(
        "swarm/pause",
        title=f"stop {', '.join(services)}",
        docker=docker.words,
        stack=stack,
        record=record,
        services=services,
        limit=limit,
    )


def resume(docker: Docker, stack: str, record: str, limit: int) -> Command:
    """Gives services what `record` says, where there is one, and waits until all of it runs."""
    return host_script(
        "swarm/resume",
        title="start what was stopped",
        docker=docker.words,
        stack=stack,
        record=record,
        limit=limit,
    )


def ended(docker: Docker, project: str, services: Sequence[str], limit: int) -> Command:
    """Waits on a node until no container of these services runs there."""
    return host_script(
        "swarm/ended",
        title="wait for the end of what runs",
        docker=docker.words,
        project=project,
        services=services,
        limit=limit,
    )


def files_of(docker: Docker, name: str, container: str, image: str) -> Command:
    """Makes a container that never runs, with the volumes of another one, and tells its id."""
    title = "hold the volumes"
    return host_script(
        "swarm/files_of", title=title, docker=docker.words, name=name, container=container, image=image
    )
