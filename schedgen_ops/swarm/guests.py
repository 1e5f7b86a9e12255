"""What the ingresses of a Swarm are told of canaries, and what is done about those that a run left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schedgen_ops.commands import swarm_canary
from schedgen_ops.commands.swarm_canary import NO_INGRESS
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import CommandFailed, OpsError, Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import QUICK, ContextOf
from schedgen_ops.orchestrators.swarm.canary import PREFIX, Canary
from schedgen_ops.proxy import chosen
from schedgen_ops.release.record import served_in_order
from schedgen_ops.shell import Command


def join(manager: HostRun, nodes: Fleet, at: ContextOf, canaries: Sequence[Canary]) -> tuple[str, ...]:
    """Have every ingress find the canaries, and wait until each sees them well; return the nodes that do.

    Raises:
        OpsError: where one does not see them, or none could be told.
    """
    settings = manager.settings
    routes = [(proxy, each.found_as, each.replicas) for each in canaries for proxy in each.proxies]
    limit = settings.health.deadline
    command = swarm_canary.join(manager.docker, settings.project, chosen(settings).name, routes, limit)
    asked = nodes.each(lambda remote: at(remote).run(command, limit + QUICK).lines())
    for name, error in asked.errors.items():
        if not isinstance(error, Unreachable):
            raise _unseen(name, error) if isinstance(error, CommandFailed) else error
        manager.warn(f"{name} cannot be told of the canary, its visitors stay with the old release: {error}")
    joined = tuple(name for name, lines in asked.ok.items() if NO_INGRESS not in lines)
    if not joined:
        raise OpsError("no ingress could be told of the canary", host=manager.remote.name)
    return joined


def _unseen(name: str, error: CommandFailed) -> OpsError:
    said = error.detail.strip().splitlines() or [error.message]
    return OpsError(f"the canary does not get well: {said[-1]}", host=name)


def hush(manager: HostRun, nodes: Fleet, at: ContextOf, routes: Sequence[str]) -> None:
    """Have no ingress send anything more to canaries, all at once."""
    settings = manager.settings
    proxy = chosen(settings).name
    _told(manager, nodes, at, swarm_canary.hush(manager.docker, settings.project, proxy, routes), QUICK)


def leave(manager: HostRun, nodes: Fleet, at: ContextOf, routes: Sequence[str]) -> None:
    """Have no ingress send anything more to canaries, and then find them no more."""
    _told(manager, nodes, at, leaving(manager, routes), manager.settings.rollout.drain + QUICK)


def leaving(manager: HostRun, routes: Sequence[str]) -> Command:
    """Return what a node is told for that."""
    settings = manager.settings
    drain = int(settings.rollout.drain)
    return swarm_canary.leave(manager.docker, settings.project, chosen(settings).name, routes, drain)


def _told(manager: HostRun, nodes: Fleet, at: ContextOf, command: Command, deadline: float) -> None:
    asked = nodes.each(lambda remote: at(remote).run(command, deadline).lines())
    for name, lines in asked.ok.items():
        for line in lines:
            if line.startswith("say "):
                manager.warn(f"{name}: {line.removeprefix('say ')}")
    for name, error in asked.errors.items():
        manager.warn(f"{name} could not be told to leave the canary, which ends all the same: {error}")


def end(manager: HostRun, names: Sequence[str]) -> None:
    """Have the manager end canaries, and wait until none of their containers runs."""
    ending = swarm_canary.end(manager.docker, manager.settings.project, names)
    manager.run(ending, swarm_canary.ENDED + 2 * QUICK)


def sweep(manager: HostRun, nodes: Fleet, at: ContextOf) -> None:
    """Remove the canaries that a killed run left, and what ingresses still know of any."""
    settings, shelf = manager.settings, manager.seen.shelf
    left = manager.run(swarm_canary.there(manager.docker, settings.project)).lines()
    last = next(iter(served_in_order(shelf.releases)), None)
    if not left and (last is None or last.good):
        return
    serving = shelf.serving.services if shelf.serving else {}
    if left:
        manager.warn(f"An earlier run left a canary of {', '.join(_services(left))}: it is removed")
    if routes := [proxy for record in serving.values() for proxy in record.proxies]:
        leave(manager, nodes, at, routes)
    if left:
        end(manager, left)
        manager.righted = f"the canary of {', '.join(_services(left))} is removed"


def _services(names: Iterable[str]) -> list[str]:
    return [name.removeprefix(PREFIX) for name in names]
