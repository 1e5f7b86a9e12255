"""The section about a Docker Swarm, and what of a config does not go with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from schedgen_ops.commands.image_names import server_of
from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.sources import Credentials
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
        "in one. Null: nowhere, which goes where releases are images and each came from a registry.",
    )
    sign_in: Credentials | None = Field(
        default=None,
        description="Who signs in to `swarm.registry` where that is not the server of `release.registry`; "
        "null: what the first host itself is signed in to.",
    )
    ingress_on: t.Many[t.Word] = Field(
        default=(),
        description="Placement constraints of the nodes that publish ports, as node.labels.web==yes; all of "
        "them without any.",
    )

    @property
    def server(self) -> str:
        """The server of `registry`, as images name it; "" without one."""
        return server_of(f"{self.registry}/any") if self.registry else ""


_INSTEAD = "a Swarm has it not yet: docs/limits.md"


def broken(settings: Environment) -> Iterator[Violation]:
    """Yield what does not go together with a Swarm, or without one."""
    if settings.orchestrator != "swarm":
        for key in ("registry", "sign_in"):
            if getattr(settings.swarm, key):
                yield ("swarm", key), "is for `orchestrator: swarm`"
        return
    yield from _registries(settings)
    yield from _elsewhere(settings)
    if settings.hosts_down == "skip":
        yield ("hosts_down",), "a node that does not answer is the Swarm's to replace"
    if settings.build.where == "laptop":
        yield ("build", "where"), "images for a Swarm are built on its first host, and pushed"
    yield from _not_yet(settings)


def _registries(settings: Environment) -> Iterator[Violation]:
    pushed_to, pulled_from = settings.swarm.registry, settings.release.registry
    if not pushed_to and settings.from_git:
        yield ("swarm", "registry"), "is required: the nodes pull images from there"
    if settings.swarm.sign_in and not pushed_to:
        yield ("swarm", "sign_in"), "is for `swarm.registry`, which says nothing"
    if settings.swarm.sign_in and pushed_to and pulled_from and settings.swarm.server == pulled_from.server:
        yield (
            ("swarm", "sign_in"),
            "is for another server than that of `release.registry`, which signs in there",
        )


def _elsewhere(settings: Environment) -> Iterator[Violation]:
    for number, host in enumerate(settings.hosts):
        for key in ("services", "migrates", "backs_up"):
            if getattr(host, key) is not None:
                yield ("hosts", number, key), "a Swarm itself decides what runs on which node"


def _not_yet(settings: Environment) -> Iterator[Violation]:
    if settings.balancer:
        yield ("balancer",), f"hosts taken out of a load balancer: {_INSTEAD}"
    for key in ("by_name", "standby", "canary_hosts"):
        if getattr(settings.rollout, key):
            yield ("rollout", key), _INSTEAD
