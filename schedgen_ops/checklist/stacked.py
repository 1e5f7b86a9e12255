"""Whether a Swarm can run the compose file to come. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from schedgen_ops.commands import swarm
from schedgen_ops.commands.compose import parse_services
from schedgen_ops.orchestrators.swarm.fitting import misfits
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.settings import Settings


def judged(settings: Settings, document: str) -> Iterator[Problem | str]:
    """Find all that a stack cannot express, or say that there is no such thing.

    Args:
        document: the compose file to come, resolved, as JSON.
    """
    try:
        written = json.loads(document)
        found = tuple(misfits(written, parse_services(written, {}), settings.directory))
    except (ValueError, LookupError, TypeError, AttributeError):
        text = "whether a Swarm can run it is not known: what Compose says cannot be read"
        yield Problem(text, unknown=True)
        return
    for each in found:
        yield Problem(str(each), each.hint)
    held = tuple(_of_data(settings, written))
    yield from held
    if not (found or held):
        yield "all that it says"


def _of_data(settings: Settings, written: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what keeps the data from being saved: it is one container each, all on one node."""
    said = {name: (written.get("services") or {}).get(name) or {} for name in settings.stores}
    for name, service in said.items():
        if _several(service):
            text = f"services.{name}: it holds data, and a backup is of one container"
            yield Problem(text, "Let there be one.")
    bound = {
        name: swarm.bound(((service.get("deploy") or {}).get("placement") or {}).get("constraints") or ())
        for name, service in said.items()
    }
    if len({*bound.values()} - {""}) > 1:
        where = ", ".join(f"{name} on {node}" for name, node in bound.items())
        yield Problem(f"the data is on several nodes: {where}", "A backup is of one node: name the same one.")


def _several(service: Mapping[str, Any]) -> bool:
    """Whether there may be several containers of it."""
    deploy = service.get("deploy") or {}
    return deploy.get("mode") == "global" or max(deploy.get("replicas") or 1, service.get("scale") or 1) > 1
