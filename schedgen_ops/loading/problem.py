"""One thing that is wrong with a configuration, and where it stands."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

# A value's place in the document: keys and list positions, outermost first.
Location = tuple[str | int, ...]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


def shown(value: object) -> str:
    """Return `value` as messages show it: quoted, and cut if it is long."""
    return _short.repr(value)


def dotted(location: Location) -> str:
    """Return `location` as text: hosts[0].port."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part.isprintable() and part.isascii() else shown(part)
            text += f".{name}" if text else name
    return text


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing that is wrong with a configuration.

    Attributes:
        source: the file as the operator would name it, or the environment variable.
        line: line in the file, from 1; None for what stands in no line.
        location: the path of the value, such as hosts[0].port; "" for the whole document.
        message: what is wrong, and what would be right.
        pending: the value may appear later, as a file does that another command writes.
    """

    source: str
    line: int | None
    location: str
    message: str
    pending: bool = False

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return ": ".join(part for part in (place, self.location, self.message) if part)
