"""Commands that put the files of a service that does not start aside. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


def set_aside(docker: Docker, folder: str, container: str, image: str) -> Command:
    """Archive the volumes of a container into `folder`, and empty them so that it starts anew."""
    return host_script(
        "emergency/set_aside",
        title="set the files aside",
        docker=docker.words,
        folder=folder,
        container=container,
        image=image,
    )


def next_second() -> Command:
    """Wait until a name made of the time is another one."""
    return sh("sleep", "1.1")


def plan_lines(steps: Sequence[str]) -> tuple[str, ...]:
    """Return the steps to come, numbered, a line each."""
    return tuple(f"{number}. {step}" for number, step in enumerate(steps, start=1))
