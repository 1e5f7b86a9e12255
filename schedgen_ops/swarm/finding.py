"""The node that has the data, also while nothing of it runs: by the release's file, or by its volume."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schedgen_ops.commands import files, swarm
from schedgen_ops.commands.swarm import Seen
from schedgen_ops.commands.swarm_data import Holding
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import QUICK, HostContext
from schedgen_ops.release.record import Release
from schedgen_ops.settings import Settings
from schedgen_ops.swarm import manager
from schedgen_ops.swarm.data_node import Placed

_LOST = (
    "Bring the node back. Where it is lost for good, docs/backup.md tells how the data begins anew "
    "on another one."
)


def find(host: HostContext, nodes: Fleet, placed: Placed, release: Release, folder: str) -> str:
    """Return the host of the config that has the data.

    Args:
        host: the manager.
        nodes: the hosts that answer.
        release: what serves.
        folder: where its files are.

    Raises:
        Refused: where that node does not answer, or is not known.
        OpsError: where nobody can be asked.
    """
    # All of it is on one node.
    service = placed.written.stores[0]
    runs = [name for name, each in placed.having.items() if service in each.runs]
    if len(runs) == 1:
        return runs[0]
    if service not in release.services:
        raise Refused(f"{service} is no service of {release.id}, which is to serve", host=host.name)
    said = _file(host, f"{folder}/{service}.json")
    told = _told(host, nodes, said)
    if bound := swarm.bound(_placed(said, service)):
        return _host(manager.seen(host), told, bound, service)
    having = [name for name, (_, *volumes) in told.items() if volumes]
    if len(having) != 1:
        where = f"on several nodes: {', '.join(having)}" if having else "on no node that answers"
        raise Refused(f"{service} does not run, and its volume is {where}", hint=_LOST)
    return having[0]


def with_data(placed: Placed, name: str) -> Placed:
    """Return the nodes with the data on the one of that name, though its services may not run yet."""
    having = placed.having.get(name, Holding())
    return replace(placed, having={**placed.having, name: replace(having, runs=placed.written.stores)})


def _file(host: HostContext, path: str) -> Mapping[str, Any]:
    """The file by which the service is deployed."""
    answer = host.run(files.read(path), check=False)
    try:
        said = json.loads(answer.stdout) if answer.ok else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        hint = "`inv deploy` writes them anew."
        raise Refused("the files of what is to serve are not there", host=host.name, hint=hint)
    return said


def _told(host: HostContext, nodes: Fleet, said: Mapping[str, Any]) -> Mapping[str, list[str]]:
    """The id of each node, and which of the volumes it has."""
    volumes = said.get("volumes") or {}
    names = [(each or {}).get("name") or key for key, each in volumes.items()]
    command = swarm.volumes(host.docker, names)
    found = nodes.each(lambda remote: remote.run(command, deadline=QUICK).lines()).values()
    return {name: list(lines) for name, lines in zip(nodes.names, found, strict=True) if lines}


def _placed(said: Mapping[str, Any], service: str) -> list[str]:
    deploy = said["services"][service].get("deploy") or {}
    return list((deploy.get("placement") or {}).get("constraints") or ())


def _host(seen: Seen, told: Mapping[str, list[str]], bound: str, service: str) -> str:
    node = seen.node(bound)
    found = next((name for name, (id_, *_) in told.items() if id_ in (bound, node.id if node else "")), "")
    if not found:
        name = node.name if node else f"{bound}, which is no node of the Swarm any more"
        raise Refused(f"the data of {service} is on {name}, and that does not answer", hint=_LOST)
    return found


def refuse_elsewhere(host: HostContext, document: Mapping[str, Any], service: str) -> None:
    """Refuse a release that would start the database on another node than the one that has its data.

    Args:
        document: the compose file, resolved.

    Raises:
        OpsError: where the compose file names another one.
    """
    wanted = swarm.bound(_placed(document, service)) if service in document["services"] else ""
    if not wanted:
        return
    seen = manager.seen(host)
    placed = next((each.placed for each in seen.services if each.service == service), ())
    there, here = seen.node(wanted), seen.node(swarm.bound(placed))
    if here and there != here:
        name = there.name if there else wanted
        raise OpsError(
            f"the compose file has {service} on {name}, and its data is on {here.name}",
            hint=f"Say `node.hostname == {here.name}` in the compose file. Where the data was moved by hand, "
            "tell the service first: `docker service update --constraint-rm ... --constraint-add ...`.",
        )


def not_there(settings: Settings) -> OpsError:
    """Return the error for a database that was started and is on no node of the config."""
    service = ", ".join(settings.stores)
    return OpsError(
        f"{service} was started, and runs on no node of the config", hint="`inv status` tells where."
    )
