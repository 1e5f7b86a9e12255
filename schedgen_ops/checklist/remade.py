"""Networks and volumes that a compose file to come defines otherwise: no deploy makes those anew. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from schedgen_ops.preflight.probe import Problem

_NETWORK = (
    "is defined otherwise than for what serves: where a service on it is replaced, Compose may stop all "
    "that is on it, to make it anew; else it stays as it was made"
)
_VOLUME = "is defined otherwise than for what serves: the one that is there stays as it was made"


def remade(before: str, now: str) -> Iterator[Problem]:
    """Find what Compose would have to make anew, and what of it a deploy leaves.

    Args:
        before, now: compose files, resolved, as JSON; "" for none.

    Raises:
        ValueError: where one is no such document.
    """
    if not (before.strip() and now.strip()):
        return
    old, new = json.loads(before), json.loads(now)
    for name in _differing(old, new, "networks"):
        hint = "Give it another name, so that both are there while services move."
        yield Problem(f"the network {name} {_NETWORK}", hint, refuses=False)
    for name in _differing(old, new, "volumes"):
        hint = "Give it another name and carry the data over, if that is meant."
        yield Problem(f"the volume {name} {_VOLUME}", hint, refuses=False)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> Iterator[str]:
    """Those that are the same by name, and are not their owner's to make by hand."""
    known = {_name(key, said): said for key, said in (old.get(kind) or {}).items()}
    for key, said in sorted((new.get(kind) or {}).items()):
        before = known.get(_name(key, said))
        ours = before is not None and not ((said or {}).get("external") or (before or {}).get("external"))
        if ours and _said(before) != _said(said):
            yield key


def _name(key: str, said: Mapping[str, Any] | None) -> str:
    return str((said or {}).get("name") or key)


def _said(value: Any) -> Any:
    """What a definition says, without what one Compose writes and another leaves out."""
    if isinstance(value, Mapping):
        return {
            key: kept for key, each in value.items() if (kept := _said(each)) not in (None, {}, [], "", False)
        }
    return [_said(each) for each in value] if isinstance(value, list) else value
