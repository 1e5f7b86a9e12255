"""Refuses to work on containers of another work tree that bear the same project's name."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.owners import Stranger, parse_strangers, strangers
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_DEADLINE = 60.0


def command(settings: Settings) -> Command:
    """Return the command that asks a host for containers of another work tree."""
    docker = Docker(settings.sudo)
    return strangers(docker, settings.project, settings.directory, settings.compose_files)


def problem(settings: Settings, found: Sequence[Stranger]) -> tuple[str, str]:
    """Return what is wrong, and what to do."""
    folders = sorted({stranger.folder for stranger in found})
    return (
        f"containers of the project {settings.project!r} belong to another folder than {settings.directory}: "
        + ", ".join(map(str, found)),
        "Give one of the two another project name (`name:` in its compose file, and `project` here). If the "
        f"project was moved from {folders[0]}: `docker compose up -d --force-recreate` in "
        f"{settings.directory} makes them its own.",
    )


def refuse_all(fleet: Fleet, context_of: ContextOf) -> None:
    """Refuse to go on where any host has such containers; see `refuse`."""
    fleet.each(lambda remote: refuse(context_of(remote))).values()


def refuse(host: HostContext) -> None:
    """Refuse a host with containers of another work tree, before anything there is stopped or removed.

    Raises:
        Refused: where a container of the project's name is of another work tree.
    """
    found = parse_strangers(host.run(command(host.settings), _DEADLINE).stdout)
    if found:
        text, hint = problem(host.settings, found)
        raise Refused(text, host=host.name, hint=hint)
