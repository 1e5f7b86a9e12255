"""Any value of an event as JSON: strange values become text rather than an error in the middle of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON. Dataclasses become objects; keys, and what JSON does not know, strings."""
    try:
        return json.dumps(value, indent=indent, default=_plain)
    except (TypeError, ValueError):
        return json.dumps(_stringly(value), indent=indent)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return str(value)


def _stringly(value: Any, depth: int = 8) -> Any:
    """For keys that JSON cannot have and values that hold themselves."""
    if isinstance(value, Mapping) and depth:
        return {str(key): _stringly(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_stringly(item, depth - 1) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
