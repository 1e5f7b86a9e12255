"""What runs a project's services on a host, by name, and which of them an environment has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.orchestrators.contract import Orchestrator
from schedgen_ops.settings import Settings

ORCHESTRATORS: Mapping[str, Callable[..., Orchestrator]] = {"compose": compose_of}


def chosen(settings: Settings, *, classic: bool = False) -> Orchestrator:
    """Return what runs the services of an environment: as long as there is one, that one.

    Args:
        classic: build with the engine's classic builder, where a host has no buildx.
    """
    return ORCHESTRATORS["compose"](settings, classic=classic)
