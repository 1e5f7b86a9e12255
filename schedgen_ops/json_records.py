"""Values that are kept as JSON on a host, read back with suspicion. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")

_PLAIN: Mapping[object, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int)}


def decode(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: for anything else.
    """
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return mapping(data)


def build(kind: type[T], data: Any, **ready: object) -> T:
    """A dataclass from a decoded object; keys that a newer version wrote are passed over.

    Args:
        ready: fields that were read already.

    Raises:
        ValueError: where a field is missing, or a str or int field is something else.
    """
    found = mapping(data)
    known = fields(kind)  # type: ignore[arg-type]
    values: dict[str, Any] = {entry.name: found[entry.name] for entry in known if entry.name in found} | ready
    for entry in known:
        wanted = _PLAIN.get(entry.type)
        if wanted and entry.name in values and type(values[entry.name]) not in wanted:
            raise ValueError(f"{entry.name} is no {entry.type}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from None


def mapping(data: Any) -> dict[str, Any]:
    """`data`, if it is an object.

    Raises:
        ValueError: otherwise.
    """
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data


def rows(data: Any) -> list[Any]:
    """`data`, if it is a list.

    Raises:
        ValueError: otherwise.
    """
    if not isinstance(data, list):
        raise ValueError("not a list")
    return data


def texts(data: Any) -> tuple[str, ...]:
    """`data`, if it is a list of strings.

    Raises:
        ValueError: otherwise.
    """
    found = tuple(rows(data))
    if not all(isinstance(text, str) for text in found):
        raise ValueError("not a list of strings")
    return found
