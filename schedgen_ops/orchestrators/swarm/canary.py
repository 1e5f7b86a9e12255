"""A canary on a Swarm: a second service of the new release beside the one that serves. Pure.

The ingress finds it by a name that nobody else asks for. It does not have the service's own names: who calls
the service by one reaches the old containers alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands.docker import DEFINITION_LABEL, SERVICE_LABEL
from schedgen_ops.orchestrators.swarm.stack import Part
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord
from schedgen_ops.settings import Settings

PREFIX = "schedgen-canary-"
CANARY_LABEL = "schedgen.canary"
# What an engine takes for a service's name.
_LONGEST = 63
# So much of a release's id is the time when it was begun.
_TIME = 15


@dataclass(frozen=True, slots=True)
class Canary:
    """The canary of a service.

    Attributes:
        service: whose it is.
        part: its file of the stack.
        found_as: the name by which the ingress finds its containers, and no others: another one in each run,
            so that what an ingress still has of an earlier run leads to nothing.
        replicas: how many containers it has.
        proxies: the ingress's routes to the service.
    """

    service: str
    part: Part
    found_as: str
    replicas: int
    proxies: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its own name as a service, without the stack's."""
        return self.part.name


def shared(new: Release, old: Release | None) -> tuple[str, ...]:
    """Return the services of a release that can get a share: those behind the ingress that it changes.

    Args:
        old: what serves; None for nothing.
    """
    before: Mapping[str, ServiceRecord] = old.services if old else {}
    return tuple(
        name
        for name, record in new.services.items()
        if record.strategy == "ingress"
        and record.proxies
        and name in before
        and before[name].proxies
        and before[name].definition != record.definition
    )


def canary(
    text: str, service: str, record: ServiceRecord, settings: Settings, release: ReleaseId
) -> Canary | None:
    """Return the canary of a service; None for one that runs on every node, or whose name is too long.

    Args:
        text: the service's own file of the stack.
    """
    document: dict[str, Any] = json.loads(text)
    said = document["services"][service]
    name = PREFIX + service
    if said["deploy"].get("mode") == "global" or len(f"{settings.project}_{name}") > _LONGEST:
        return None
    found_as = f"{service}.canary-{release[:_TIME]}"
    count = replicas(record.replicas, settings.guard.canary)
    deploy = {
        **said["deploy"],
        "replicas": count,
        "labels": {**said["deploy"].get("labels", {}), CANARY_LABEL: service},
    }
    body = {
        **said,
        "networks": {network: {"aliases": [found_as]} for network in said["networks"]},
        "deploy": deploy,
    }
    mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    body["labels"] = {**said["labels"], SERVICE_LABEL: name, DEFINITION_LABEL: mark}
    part = Part(name, {**document, "services": {name: body}})
    return Canary(service, part, f"tasks.{found_as}", count, record.proxies)


def replicas(wanted: int, shares: Sequence[int]) -> int:
    """Return how many containers bear the greatest of these shares of what `wanted` bear."""
    return max(1, -(-wanted * max(shares, default=0) // 100))
