"""The classic builder, which keeps the container whose step fails."""

from __future__ import annotations

import re
from collections.abc import Callable

# What it says when it starts a container for a step.
_STEP = re.compile(r"---> Running in ([0-9a-f]{12})\b")


def note(building: list[str]) -> Callable[[str], None]:
    """Return what takes the lines of a build, and notes the containers that it started."""

    def look(line: str) -> None:
        if found := _STEP.search(line):
            building.append(found[1])

    return look
