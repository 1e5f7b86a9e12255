"""JSON that is read as YAML, as all is that Compose and `docker stack` are given. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

# A backslash that is itself escaped, or the two halves of a character beyond U+FFFF.
_HALVES = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
_DELETE = "\x7f"


def dumped(value: Any, *, indent: int | None = None, sort_keys: bool = False) -> str:
    """Return a value as JSON that is YAML too."""
    return readable(json.dumps(value, indent=indent, sort_keys=sort_keys))


def readable(text: str) -> str:
    """Return JSON in ASCII as text that YAML takes for the same: it knows no halves of characters."""
    whole = _HALVES.sub(lambda found: found[0] if found[0] == r"\\" else json.loads(f'"{found[0]}"'), text)
    return whole.replace(_DELETE, r"\u007f")
