"""The file of a service, bound to another node than the one that it was written for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schedgen_ops.commands import swarm
from schedgen_ops.commands.docker import DEFINITION_LABEL, ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL
from schedgen_ops.orchestrators.swarm.stack import Part, mark

_OURS = (DEFINITION_LABEL, ONEOFF_LABEL, PROJECT_LABEL, SERVICE_LABEL)
_USED = ("networks", "volumes", "configs", "secrets")


def bound_to(document: Mapping[str, Any], name: str, node: str) -> Part:
    """Return the file of a service for that node; what else it says of where it may run stays.

    Args:
        node: its id.
    """
    said = document["services"][name]
    deploy = dict(said.get("deploy") or {})
    placement = dict(deploy.get("placement") or {})
    kept = [each for each in placement.get("constraints") or () if not swarm.bound((each,))]
    deploy["placement"] = {**placement, "constraints": [*kept, f"node.id == {node}"]}
    labels = {key: value for key, value in (said.get("labels") or {}).items() if key not in _OURS}
    # As a deploy would write it, which then finds nothing to replace.
    body = {key: value for key, value in said.items() if key != "labels"} | {"deploy": deploy}
    body |= {"labels": labels} if labels else {}
    known_by = mark(body, {key: document.get(key) or {} for key in _USED})
    ours = {key: said["labels"][key] for key in _OURS} | {DEFINITION_LABEL: known_by}
    service = {**body, "labels": {**labels, **ours}}
    return Part(name, {**document, "services": {name: service}})
