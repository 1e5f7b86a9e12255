"""The section about a Docker Swarm, and what of a config does not go with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.violations import Violation

if TYPE_CHECKING:
    from schedgen_ops.settings.environment import Environment


RegistryPath = Annotated[
    str,
    t.Looks(
        r"^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$",
        "a registry, as registry.example:5000, or a path in one",
    ),
]


class Swarm(Section):
    """The Swarm that runs the services."""

    registry: RegistryPath | None = Field(
        default=None,
        description="Where images are pushed for all nodes: a registry, as registry.example:5000, or a path "
        "in one. Who signs in is `release.registry`; null: what the first host itself is signed in to.",
    )
    ingress_on: t.Many[t.Word] = Field(
        default=(),
        description="Placement constraints of the nodes that publish ports, as node.labels.web==yes; all of "
        "them without any.",
    )


_INSTEAD = "a Swarm has it not yet: docs/limits.md"


def broken(settings: Environment) -> Iterator[Violation]:
    """Yield what does not go together with a Swarm, or without one."""
    if settings.orchestrator != "swarm":
        if settings.swarm.registry:
            yield ("swarm", "registry"), "is for `orchestrator: swarm`"
        return
    if not settings.swarm.registry:
        yield ("swarm", "registry"), "is required: the nodes pull images from there"
    yield from _elsewhere(settings)
    if settings.hosts_down == "skip":
        yield ("hosts_down",), "a node that does not answer is the Swarm's to replace"
    if settings.build.where == "laptop":
        yield ("build", "where"), "images for a Swarm are built on its first host, and pushed"
    yield from _not_yet(settings)


def _elsewhere(settings: Environment) -> Iterator[Violation]:
    for number, host in enumerate(settings.hosts):
        for key in ("services", "migrates", "backs_up"):
            if getattr(host, key) is not None:
                yield ("hosts", number, key), "a Swarm itself decides what runs on which node"


def _not_yet(settings: Environment) -> Iterator[Violation]:
    if settings.release.source == "image":
        yield ("release", "source"), f"releases that are images: {_INSTEAD}"
    if settings.balancer:
        yield ("balancer",), f"hosts taken out of a load balancer: {_INSTEAD}"
    for key in ("by_name", "standby", "canary_hosts"):
        if getattr(settings.rollout, key):
            yield ("rollout", key), _INSTEAD
