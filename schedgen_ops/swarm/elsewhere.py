"""The database begun on another node where the one that had it is lost, by the files of every release."""

from __future__ import annotations

import json
from dataclasses import replace

from schedgen_ops.commands import files, swarm
from schedgen_ops.errors import ConfigError, OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import QUICK
from schedgen_ops.orchestrators.swarm.bound import bound_to
from schedgen_ops.orchestrators.swarm.stack import Part
from schedgen_ops.release import store
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Remote
from schedgen_ops.swarm import finding
from schedgen_ops.swarm.data_node import Placed
from schedgen_ops.swarm.emergency import WholeStack
from schedgen_ops.swarm.manager import folder


def begins(whole: WholeStack, nodes: Fleet, placed: Placed, wanted: str) -> bool:
    """Return whether the database begins anew on a node, which it does not where its data is there already.

    Args:
        wanted: the host of the config where it is to begin.

    Raises:
        ConfigError: where there is no such host.
        Refused: where the data is on another one, or that host does not answer.
    """
    known = [host.name for host in placed.written.hosts]
    if wanted not in known:
        raise ConfigError(f"--node: there is no host {wanted!r}", hint=f"There are: {', '.join(known)}.")
    host = whole.manager.context
    try:
        name = finding.find(host, nodes, placed, whole.release, whole.files)
    except Refused:
        name = ""
    if name and name != wanted:
        text = f"the data is on {name}, which answers"
        raise Refused(text, hint="Without --node it is restored there.")
    if wanted not in nodes.names:
        raise Refused(f"{wanted} does not answer", hint="Choose another one with --node.")
    return name != wanted


def rebound(whole: WholeStack, remote: Remote) -> tuple[tuple[Release, Part], ...]:
    """Return the files of what holds data for this node, of every release: for rollbacks as well.

    Raises:
        OpsError: where one cannot be read.
    """
    manager, found = whole.manager, []
    node = remote.run(swarm.volumes(manager.docker, ()), deadline=QUICK).text
    every = [(release, name) for release in manager.seen.shelf.releases for name in manager.settings.stores]
    for release, service in every:
        path = f"{folder(manager.paths, release.id)}/{service}.json"
        answer = manager.context.run(files.read(path), check=False)
        # Of a release that cannot be gone back to there need be none.
        if answer.ok or release.id == whole.release.id:
            try:
                found.append((release, bound_to(json.loads(answer.stdout), service, node)))
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise OpsError(f"{path} cannot be read: {error}", host=manager.remote.name) from error
    return tuple(found)


def bind(whole: WholeStack, remote: Remote) -> None:
    """Have every release run what holds data on this node from now on.

    Raises:
        OpsError: where a file cannot be read or written.
    """
    manager = whole.manager
    changed = {release.id: release for release in manager.seen.shelf.releases}
    for release, part in rebound(whole, remote):
        manager.run(files.replace(f"{folder(manager.paths, release.id)}/{part.name}.json", part.text))
        now = changed[release.id]
        if part.name in now.services:
            record = replace(now.services[part.name], definition=part.definition)
            changed[release.id] = replace(now, services={**now.services, part.name: record})
            store.write(manager.remote, manager.paths, changed[release.id])
    manager.old = manager.new = changed[whole.release.id]
    manager.say(f"The data is on {remote.name} from now on")
