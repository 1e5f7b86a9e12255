"""What a manager of the Swarm is asked and told, whoever does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from schedgen_ops.commands import swarm
from schedgen_ops.commands.swarm import Rolled, StackCommands
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import QUICK, HostContext
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.shell import Command

MIGRATING = "schedgen-migrate"
"""The service whose one container moves the schema; none of the compose file's."""


def commands(manager: HostContext) -> StackCommands:
    """Return the commands for the stack of an environment, as who signs in to its registry."""
    return StackCommands(manager.docker, manager.settings.project, manager.login)


def folder(paths: Paths, release_id: ReleaseId) -> str:
    """Return the folder with the files of a release, one a service."""
    return f"{paths.release(release_id)}/swarm"


def seen(manager: HostContext) -> swarm.Seen:
    """Return what a manager says of the Swarm and of the stack.

    Raises:
        OpsError: where it cannot be asked, or is none.
    """
    stack = manager.settings.project
    answer = manager.run(swarm.look(manager.docker, stack))
    try:
        return swarm.parse(answer.stdout, stack)
    except (ValueError, LookupError, TypeError) as error:
        raise OpsError(f"what the Swarm says cannot be read: {error}", host=manager.name) from error


def brought(
    manager: HostContext, command: Command, deadline: float
) -> tuple[tuple[Rolled, ...], CommandFailed | None]:
    """Have a manager bring services to something, and tell what it tells meanwhile.

    Returns:
        How each ended; and the failure of the command, where not all did well.

    Raises:
        CommandTimedOut: where it did not end in time.
    """
    lines: list[str] = []

    def heard(line: str) -> None:
        lines.append(line)
        if line.startswith("say "):
            manager.say(line.removeprefix("say "))

    try:
        manager.remote.stream(command, heard, deadline=deadline)
    except CommandTimedOut:
        raise
    except CommandFailed as error:
        return swarm.parse_rolled(lines), error
    return swarm.parse_rolled(lines), None


def hosts_of(nodes: Fleet, manager: HostContext, ids: Collection[str]) -> tuple[str, ...]:
    """Return which hosts are nodes with these ids, of those that answer."""
    if not ids:
        return ()
    command = swarm.volumes(manager.docker, ())
    told = nodes.each(lambda remote: remote.run(command, deadline=QUICK).text)
    return tuple(name for name, id_ in told.ok.items() if id_ in ids)


def numbered(records: Mapping[str, ServiceRecord], found: swarm.Seen) -> dict[str, ServiceRecord]:
    """Return those of records whose compose file says no number, with as many containers as there are to be.

    What is stopped has as many as it had.
    """
    there = {
        each.service: each.wanted or each.stopped for each in found.services if each.mode == "replicated"
    }
    return {
        name: replace(record, replicas=there[name])
        for name, record in records.items()
        if not record.counted and there.get(name)
    }
