"""Values of a journal, which anybody may have written into, as the types that they should have. Pure."""

from __future__ import annotations

import math
from typing import Any

from schedgen_ops.clock import moment


def text(value: Any) -> str:
    """Return a value as text; "" for None."""
    return "" if value is None else value if isinstance(value, str) else str(value)


def number(value: Any, default: float = 0.0) -> float:
    """Return a value as a finite number; `default` where it is none."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else default


def texts(value: Any) -> tuple[str, ...]:
    """Return a list's values as texts; none where it is no list."""
    return tuple(map(text, value)) if isinstance(value, list | tuple) else ()


def pairs(value: Any) -> tuple[tuple[str, str], ...]:
    """Return a list of pairs of texts; what is no pair is passed over."""
    rows = value if isinstance(value, list | tuple) else ()
    return tuple((text(r[0]), text(r[1])) for r in rows if isinstance(r, list | tuple) and len(r) == 2)


def rows(value: Any, width: int) -> tuple[tuple[Any, ...], ...]:
    """Return a list of lists of `width` values each; others are passed over."""
    found = value if isinstance(value, list | tuple) else ()
    return tuple(tuple(r) for r in found if isinstance(r, list | tuple) and len(r) == width)


def records(value: Any, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the values of these names of each object of a list, as texts; a list's are its lines."""
    found = value if isinstance(value, list | tuple) else ()
    return tuple(
        tuple("\n".join(texts(one.get(name))) or text(one.get(name) or "") for name in names)
        for one in found
        if isinstance(one, dict)
    )


def seconds_of(value: Any) -> float | None:
    """Return a moment in RFC 3339 as seconds since the epoch; None where it is none."""
    found = moment(value) if isinstance(value, str) else None
    try:
        return found.timestamp() if found else None
    except (ValueError, OverflowError):
        return None
