"""What pydantic found, in an operator's words. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schedgen_ops.loading.problem import Location, shown
from schedgen_ops.settings import Settings

Finding = tuple[Location, str]

_SENTENCES: dict[str, str] = {
    "missing": "is required",
    "bool_type": "must be true or false, not {input}",
    "int_type": "must be a whole number, not {input}",
    "float_type": "must be a number, not {input}",
    "finite_number": "must be a finite number, not {input}",
    "string_type": "must be text, not {input}: put it in quotes",
    "path_type": "must be a path, not {input}",
    "tuple_type": "must be a list, not {input}",
    "too_short": "must not be empty",
    "greater_than": "must be more than {gt}, not {input}",
    "greater_than_equal": "must be {ge} or more, not {input}",
    "less_than": "must be less than {lt}, not {input}",
    "less_than_equal": "must be {le} or less, not {input}",
    "literal_error": "must be {expected}, not {input}",
    "value_error": "{error}",
}


def findings(error: ValidationError) -> Iterator[Finding]:
    """Return each thing that `error` says, with the place it is about."""
    details = error.errors(include_url=False)
    for detail in details:
        location = tuple(detail["loc"])
        # A list counts its valid items only: with a broken one in it, "too short" says nothing.
        if detail["type"] == "too_short" and any(_inside(other["loc"], location) for other in details):
            continue
        context = detail.get("ctx", {})
        if detail["type"] == "rules":
            for place, message in context["violations"]:
                yield (*location, *place), message
        else:
            yield location, _sentence(detail, location, context)


def _inside(location: Location, outer: Location) -> bool:
    return len(location) > len(outer) and location[: len(outer)] == outer


def _sentence(detail: ErrorDetails, location: Location, context: Mapping[str, Any]) -> str:
    kind, given = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        return f"unknown key{_hint(location)}"
    if kind == "model_type":
        keys = ", ".join(keys_at(location))
        return (
            f"is empty: leave it out for the defaults, or give {keys}"
            if given is None
            else (f"must be a mapping of {keys}")
        )
    if given is None and kind.endswith("_type"):
        return "is empty: give it a value or leave it out"
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map({**context, "input": shown(given)})
    return detail["msg"].replace("Input should be", "must be")


def _hint(location: Location) -> str:
    *around, key = location
    here = tuple(around)
    homes = tuple(section for section in keys_at(()) if (section,) != here and key in keys_at((section,)))
    near = suggest(str(key), keys_at(here), 0.8 if homes else 0.6)
    if near:
        return f"; did you mean {_either(near)}?"
    return f"; it belongs below {_either(homes)}" if homes else ""


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(map(repr, names))


def suggest(word: str, known: tuple[str, ...], least: float = 0.6) -> tuple[str, ...]:
    """Return the one or two of `known` that `word` most likely misspells, each as like it as `least`.

    Likeness runs from 0 to 1; upper case and dashes for underscores do not count against it.
    """
    plain = word.lower().replace("-", "_").replace(" ", "_")
    ranked = sorted(
        ((difflib.SequenceMatcher(None, plain, name).ratio(), name) for name in known), reverse=True
    )
    # Of two letters one that is wrong is half of the word.
    return tuple(
        name
        for ratio, name in ranked[:2]
        if ratio >= max(min(least, 0.5) if len(name) == len(plain) == 2 else least, ranked[0][0] - 0.1)
    )


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def keys_at(location: Location) -> tuple[str, ...]:
    """Return the keys that the mapping at `location` may have; none if there is no mapping."""
    node = _schema()
    for part in location:
        node = _resolve(node)
        node = node.get("items", {}) if isinstance(part, int) else node.get("properties", {}).get(part, {})
    return tuple(_resolve(node).get("properties", ()))


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    for option in node.get("anyOf", ()):
        if "$ref" in option or "items" in option:
            return _resolve(option)
    if "$ref" in node:
        found: dict[str, Any] = _schema()["$defs"][node["$ref"].rsplit("/", 1)[1]]
        return found
    return node
