"""Releases from before a project was moved to the Swarm: no rollback leads back to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from schedgen_ops.errors import Refused
from schedgen_ops.release.record import Release


def moved_by(releases: Iterable[Release]) -> Release | None:
    """Return the release that moved the project to the Swarm last; None where none did."""
    moves = [release for release in releases if release.moves and release.good]
    return max(moves, key=lambda release: release.id, default=None)


def of_compose(releases: Iterable[Release], release: Release) -> bool:
    """Return whether Compose ran a release, since it is from before the move."""
    move = moved_by(releases)
    return move is not None and release.id < move.id


def refuse(releases: Iterable[Release], release: Release, host: str) -> None:
    """Refuse a rollback to a release that Compose ran.

    Raises:
        Refused: then.
    """
    every = tuple(releases)
    move = moved_by(every)
    if move is None or not of_compose(every, release):
        return
    raise Refused(
        f"{release.id} was run by Compose; {move.id} moved the project to the Swarm, "
        "and a rollback does not go back across that",
        host=host,
        hint=f"`inv deploy --branch {release.commit[:12] or release.branch}` deploys its code to the Swarm.",
    )
