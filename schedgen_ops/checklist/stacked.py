"""Whether a Swarm can run the compose file to come. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

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
    several = settings.database and _several(written, settings.database.service)
    if several:
        text = f"services.{several}: it is the database, and a backup is of one container"
        yield Problem(text, "Let there be one.")
    if not (found or several):
        yield "all that it says"


def _several(written: Mapping[str, Any], service: str) -> str:
    """Its name, where there may be several containers of it; else ""."""
    said = (written.get("services") or {}).get(service) or {}
    deploy = said.get("deploy") or {}
    many = deploy.get("mode") == "global" or max(deploy.get("replicas") or 1, said.get("scale") or 1) > 1
    return service if many else ""
