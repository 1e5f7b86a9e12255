"""What `inv hosts.drain` and `inv hosts.undrain` do with an operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schedgen_ops import events
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import CommandFailed, ConfigError, OpsError, Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Remote
from schedgen_ops.shell import Command
from schedgen_ops.swarm import draining, manager
from schedgen_ops.swarm.keeping_away import Ingresses
from schedgen_ops.task_run import Operation


def drain(op: Operation, name: str) -> None:
    """Move what runs on a node, and put it out of work, after asking.

    Raises:
        ConfigError: where there is no such node, or no Swarm.
        Refused: where something cannot run elsewhere, or the answer was no.
    """
    with _locked(op, f"drain {name}") as at:
        seen = manager.seen(op.context(at))
        node = draining.node_of(seen, name, _id(op, name))
        if node.availability == "Drain":
            events.info(op.emit, f"{node.name} is drained already")
            return
        todo = draining.planned(seen, node)
        if not op.ui.confirm(f"Do you want to drain {node.name}?", *todo.notes, yes=op.options.yes):
            raise Refused("nothing was changed")
        limit = op.settings.health.deadline
        command = manager.commands(op.context(at)).drain(node.id, todo.moved, limit)
        _run(op, at, command, (len(todo.moved) + 1) * limit + 60.0, f"{node.name} could not be drained")
        events.info(op.emit, draining.told(todo))


def undrain(op: Operation, name: str) -> None:
    """Give a node work again.

    Raises:
        ConfigError: where there is no such node, or no Swarm.
    """
    with _locked(op, f"undrain {name}") as at:
        node = draining.node_of(manager.seen(op.context(at)), name, _id(op, name))
        limit = op.settings.health.deadline
        command = manager.commands(op.context(at)).undrain(node.id, limit)
        _run(op, at, command, limit + 60.0, f"{node.name} has work again, and not all runs there")
        text = f"{node.name} has work again; what runs stays where it is until it is replaced"
        events.info(op.emit, text)
        Ingresses(op.context(at), op.nodes, op.context).again()


@contextmanager
def _locked(op: Operation, what: str) -> Iterator[Remote]:
    """The manager, while no deploy can be at work."""
    if not op.settings.on_swarm:
        raise ConfigError("only a Swarm has nodes to drain", hint="`orchestrator: swarm` in the config.")
    owner, paths = lock.myself(op.clock, "hosts", what), Paths(op.settings.directory)
    with lock.held(op.fleet, paths, owner, op.settings.lock.lease, op.patience):
        yield op.fleet.hosts[0]


def _id(op: Operation, name: str) -> str:
    """The id that a host of the config has in the Swarm; "" where it cannot be asked."""
    if name not in op.nodes.names:
        return ""
    asked = Docker(op.settings.sudo)("info", "--format", "{{.Swarm.NodeID}}")
    try:
        return op.nodes[name].run(asked, deadline=30).text
    except OpsError:
        return ""


def _run(op: Operation, at: Remote, command: Command, deadline: float, failed: str) -> None:
    def heard(line: str) -> None:
        if line.startswith("say "):
            events.info(op.emit, line.removeprefix("say "))

    try:
        at.stream(command, heard, deadline=deadline)
    except CommandFailed as error:
        raise OpsError(
            failed, host=error.host, detail=error.detail, hint="`inv status` tells more."
        ) from error
