"""What is stopped for a while is on record on the host before, so that whoever comes next can start it. Pure.

A record is a file in `stopped` in our folder of state: the ids of containers, a line each. It goes once all
of them were started, by the run that stopped them or, should that one be killed, by a later one.
"""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def path(state: str, name: str) -> str:
    """The record of that name."""
    return f"{state}/stopped/{name}"


def stop(docker: Docker, state: str, name: str, containers: Sequence[str]) -> Command:
    """Containers stopped, and noted before."""
    return host_script(
        "stopped/stop",
        title=f"stop {name}",
        docker=docker.words,
        record=path(state, name),
        containers=containers,
    )


def start(docker: Docker, state: str, *names: str) -> Command:
    """What stands in these records started again, in all of them without any; each, whatever another does."""
    title = f"start {' '.join(names) or 'what was stopped'}"
    return host_script("stopped/start", title=title, docker=docker.words, state=state, names=names)
