"""What a host tells of itself, a line each, read into facts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def read(stdout: str, build: Callable[[Mapping[str, str]], T]) -> T:
    """Return what is built of the values that a host told, by their names.

    Raises:
        ValueError: where it says something else, or not all of it.
    """
    said = dict(line.partition("\t")[::2] for line in stdout.split("\n"))
    if said.get("end") != "1":
        raise ValueError(f"the host did not tell all of itself: {stdout[-60:]!r}")
    try:
        return build(said)
    except KeyError as problem:
        raise ValueError(f"the host did not tell its {problem}") from None


def free(said: Mapping[str, str]) -> int | None:
    """Return the KiB that are free; None where the host could not tell."""
    return int(said["free"]) if said["free"].isdigit() else None
