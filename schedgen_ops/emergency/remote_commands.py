"""What takes the files of a service that does not start out of its way. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


def set_aside(docker: Docker, folder: str, container: str, image: str) -> Command:
    """Archives the volumes of a container into `folder`, and empties them so that it starts anew."""
    return host_script(
        "emergency/set_aside",
        title="set the files aside",
        docker=docker.words,
        folder=folder,
        container=container,
        image=image,
    )


def next_second() -> Command:
    """Waits until a name made of the time is another one."""
    return sh("sleep", "1.1")


def plan_lines(steps: Sequence[str]) -> tuple[str, ...]:
    """The steps to come, numbered."""
    return tuple(f"{number}. {step}" for number, step in enumerate(steps, start=1))
