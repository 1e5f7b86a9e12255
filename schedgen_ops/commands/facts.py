"""What one look at an engine tells of it and its plugins: those of a batch that ask for it share the look."""

from __future__ import annotations

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import library
from schedgen_ops.shell import Command, sh, sharing


def ask(docker: Docker, *words: str, title: str) -> Command:
    """Call a function of lib/engine.bash with what the engine told."""
    return sharing(f"{library('engine')}{sh('ask_engine', *docker.words).text}", *words, title=title)


def engine(docker: Docker) -> Command:
    """The engine's version; fails where it does not answer."""
    return ask(docker, "engine_version", title="docker version")


def no_detour(docker: Docker) -> Command:
    """Why the published ports answer nobody while they change hands; "" where new connections may go on."""
    return ask(docker, "no_detour", title="docker info")


def compose(docker: Docker) -> Command:
    """The version of the Compose plugin; fails where it is absent."""
    return ask(docker, "compose_version", title="docker compose version")


def buildx(docker: Docker) -> Command:
    """The version of buildx; fails where it is absent: the classic builder must be asked for then."""
    return ask(docker, "buildx_version", title="docker buildx version")
