"""Which lines of a program's output tell why it failed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIGNS = re.compile(
    r"\b(error|errors|err!|fatal|failed|failure|exception|panic|denied|cannot|no such)\b", re.I
)
# What programs print around a failure that says nothing about it: dumped fields, stack frames, brackets.
_NOISE = re.compile(
    r"^\s*$|^\s+\w+: (undefined|null|\d+|'.*'),?$|^\s*at .+[(:]|^\s*[\[\](){},]+$"
    r"|\bcomplete log of this run can be found\b"
)
GAP = "..."


def telling(lines: Sequence[str], most: int = 15) -> tuple[str, ...]:
    """Return the lines that matter, at most `most`: the first and last of an error, and the last of all.

    They keep their order; "...", which does not count, stands for what was left out between them.
    """
    kept = [
        number
        for number, line in enumerate(lines)
        if not (_NOISE.search(line) or _begins_another(lines, number))
    ]
    signs = [place for place, number in enumerate(kept) if _SIGNS.search(lines[number])]
    share = most // 3
    places = {*signs[:share], *_last(signs, share), *_last(range(len(kept)), most - 2 * share)}
    shown: list[str] = []
    before = None
    for place in sorted(places):
        if before is not None and place != before + 1:
            shown.append(GAP)
        shown.append(lines[kept[place]].rstrip())
        before = place
    return tuple(shown)


def _begins_another(lines: Sequence[str], number: int) -> bool:
    """Whether a line says no more than one beside it begins with: a program's name, that it failed."""
    line = lines[number].rstrip()
    beside = (*lines[max(0, number - 1) : number], *lines[number + 1 : number + 2])
    return any(each.rstrip().startswith(f"{line} ") for each in beside)


def _last(values: Sequence[int], count: int) -> Sequence[int]:
    return values[max(0, len(values) - count) :] if count > 0 else ()
