"""Where a database's schema stands, by what a framework's own command lists. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.settings import Migrations

_NONE = re.compile(r"\bno migrations\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a schema stands: names of migrations, in the order in which they are listed."""

    applied: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


def parse(wanted: Migrations, said: str) -> Standing | None:
    """Read what `migrations.show` printed; None where it tells of no migration, nor that there is none."""
    found = Standing(_names(wanted.applied, said), _names(wanted.pending, said))
    if not found.applied and not found.pending and not _NONE.search(said):
        return None
    return found


def _names(pattern: str, said: str) -> tuple[str, ...]:
    matches = re.finditer(pattern, said, re.MULTILINE)
    return tuple(match[match.re.groups and 1] for match in matches)
