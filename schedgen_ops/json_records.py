"""Values that are kept as JSON on a host, read back with suspicion. Pure."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def parse(kind: type[T], text: str) -> T:
    """Read a dataclass from a JSON object, each field of its own type and never coerced.

    Keys that a newer version wrote are passed over.

    Raises:
        ValueError: where a field is missing or of another type, or the text is no such object.
    """
    from pydantic import ValidationError

    try:
        found: T = _reader(cast(Any, kind)).validate_json(text, strict=True)
    except ValidationError as error:
        # Neither its address for help nor what was given: a record is not to be quoted in a message.
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(_sentence(first["loc"], first["msg"])) from None
    return found


def _sentence(place: tuple[int | str, ...], problem: str) -> str:
    if "recursion" in problem:
        return "nested too deeply"
    return ": ".join(filter(None, (".".join(map(str, place)), problem)))


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    # Made when something is read: what reads nothing does not pay for it.
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def decode(text: str) -> dict[str, Any]:
    """Return the JSON object that a text holds.

    Raises:
        ValueError: for anything else.
    """
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data
