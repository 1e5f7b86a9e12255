"""Visitors turned away on a Swarm: what a node's ingress is told, what the first host notes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.commands import files
from schedgen_ops.commands.docker import INGRESS, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, Value, sh

LET_IN = 12
"""How `tell` ends where visitors are let in, and get something else all the same."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the first host notes.

    Attributes:
        what: whose visitors are turned away, how and by whom, in words.
        services: whose; () for those of all.
        hold: seconds that a request waits first, 0 for none.
        health: whether the paths of health checks go through.
        since: since when, in seconds since the epoch; 0 for now.
    """

    what: str
    services: tuple[str, ...] = ()
    hold: int = 0
    health: bool = False
    since: int = 0


def note(path: str, noted: Noted) -> Command:
    """Notes it; the first line is what `commands.maintenance` reads."""
    how = {"services": noted.services, "hold": noted.hold, "health": noted.health}
    command = files.replace(path, f"{noted.what}\n{json.dumps(how)}\n")
    dated = command.and_then(sh("touch", "-d", f"@{noted.since}", "--", path)) if noted.since else command
    return dated.named("note who is turned away")


def noted(path: str) -> Command:
    """Asks for the note; `parse` reads the answer."""
    return host_script("swarm/turned_away", title="who is turned away", path=path)


def parse(stdout: str) -> Noted | None:
    """Reads the answer of `noted`; None where nobody is turned away.

    Raises:
        ValueError: for a note that does not say how.
    """
    if not stdout.strip():
        return None
    what, *more = stdout.splitlines()
    try:
        said, since = json.loads(more[0]), int(more[1])
        services = tuple(map(str, said["services"]))
        return Noted(what, services, int(said["hold"]), bool(said["health"]), since)
    except (ValueError, LookupError, TypeError):
        raise ValueError(f"the note does not say how: {what[:200]}") from None


def forget(path: str) -> Command:
    """Removes the note."""
    return files.remove(path).named("forget who was turned away")


def tell(docker: Docker, project: str, proxy: str, state: str, how: Mapping[str, Value]) -> Command:
    """Has a node's ingress turn visitors away, or let them in; its ports tell what they get then.

    Args:
        proxy: the name of the proxy that is the ingress.
        state: the folder of our state on the node.
        how: what else the script is told.
    """
    return host_script(
        "swarm/maintenance",
        title="tell the ingress of visitors",
        docker=docker.words,
        project=project,
        proxy=proxy,
        state=state,
        services=(INGRESS,),
        **how,
    )


def follow(docker: Docker, project: str, proxy: str, limit: int, how: Mapping[str, Value]) -> Command:
    """Has a node's ingress turn visitors away as soon as it starts anew.

    Args:
        limit: seconds for which that is looked for.
    """
    return host_script(
        "swarm/keep_away",
        title="keep visitors away",
        docker=docker.words,
        project=project,
        proxy=proxy,
        limit=limit,
        **how,
    )
