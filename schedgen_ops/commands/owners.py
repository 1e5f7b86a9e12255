"""Whose containers bear a project's name: Compose writes the folder that it worked in on each of them."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.host_scripts import host_script, library
from schedgen_ops.shell import Command, sharing

_FOLDER = f"{PROJECT_LABEL}.working_dir"
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Stranger:
    """A container of another work tree, and the folder that it belongs to."""

    name: str
    folder: str

    def __str__(self) -> str:
        return f"{self.name} ({self.folder})"


def strangers(docker: Docker, project: str, directory: str, files: tuple[str, ...] = ()) -> Command:
    """The containers of `project` that another folder's compose file made, running or not.

    A container without Compose's note of its folder (Compose before 1.25) counts as ours: nothing speaks
    against it, and Compose itself goes by the project's name.

    Args:
        directory: the project's.
        files: its compose files, where they are not those that Compose looks for.
    """
    functions, words = library("strangers"), ("strangers", directory, *files)
    return sharing(docker.listing(project), *words, functions=functions, title="whose containers")


def namesakes(docker: Docker, directory: str, current: str) -> Command:
    """The projects of the containers that were made in a directory, a line for each container.

    Args:
        current: the file that names the release that serves; nothing is told where there is one.
    """
    return host_script(
        "owners/namesakes",
        title="what else runs from there",
        docker=docker.words,
        filter=f"label={_FOLDER}={directory}",
        format=f'{{{{.Label "{PROJECT_LABEL}"}}}}',
        current=current,
    )


def parse_strangers(stdout: str) -> tuple[Stranger, ...]:
    """Reads the answer of `strangers`."""
    rows = (line.split(_SEPARATOR, 1) for line in stdout.splitlines() if _SEPARATOR in line)
    return tuple(Stranger(name, folder) for name, folder in rows)
