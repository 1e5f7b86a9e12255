"""What is in force, value by value, and the schema that editors read. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from schedgen_ops.loading.problem import Location, dotted
from schedgen_ops.loading.reading import Reading
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Row:
    """A value in force; `value` is plain data in which secrets are masked."""

    path: str
    value: object
    origin: str


def rows(reading: Reading) -> tuple[Row, ...]:
    """Return every value of a reading without problems, in the order of the settings."""
    if reading.settings is None:
        raise ValueError("a reading with problems has no values in force")
    data = reading.settings.model_dump(mode="json", exclude={"environment"})
    return tuple(Row(dotted(place), value, reading.origin(place)) for place, value in _leaves(data, ()))


def _leaves(value: object, location: Location) -> Iterator[tuple[Location, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*location, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*location, index))
    else:
        yield location, value


def schema() -> str:
    """Return the JSON schema of a config file, as config/schema.json holds it."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
