"""The properties of a database besides its content: locale, encoding, tablespace, grants, settings. Pure.

pg_dump leaves all that to whoever makes the database. A backup notes it, and a restore makes the new one so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tablespaces(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tablespaces that the server must have besides its own."""
    named = properties.get("tablespaces")
    names = {str(properties.get("tablespace", "")), *(map(str, named) if isinstance(named, list) else ())}
    return tuple(sorted(names - {"", "pg_default", "pg_global"}))
