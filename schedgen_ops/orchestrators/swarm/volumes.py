"""Which volumes of a compose file are on a node's own disk, and which services they tie to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schedgen_ops.commands.definition import Service


def local(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the volumes on a node's own disk: what the engine calls each, by its name in the file."""
    written = document.get("volumes") or {}
    return {
        name: said.get("name") or name
        for name, said in ((name, said or {}) for name, said in written.items())
        if said.get("driver") in (None, "", "local") and not said.get("driver_opts")
    }


def tied(document: Mapping[str, Any], services: Sequence[Service]) -> dict[str, list[str]]:
    """Return the services that have such volumes, and what the engine calls those."""
    known = local(document)
    asked = {each.name: [known[name] for name in each.volumes if name in known] for each in services}
    return {name: names for name, names in asked.items() if names}
