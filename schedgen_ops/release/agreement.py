"""Whether the hosts of a run ended on one release: each host's record of it is its vote. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.release.record import Release, ReleaseId, State
from schedgen_ops.release.store import Shelf

_CUT_OFF = "the run was cut off before it was named there"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A release that some hosts of its run kept, and others did not.

    Attributes:
        serving: the hosts where it serves.
        against: why it does not on the others, by host.
    """

    release: ReleaseId
    serving: tuple[str, ...]
    against: Mapping[str, str]

    def __str__(self) -> str:
        others = "; ".join(f"not on {host}: {why.splitlines()[0]}" for host, why in self.against.items())
        return f"{self.release} serves on {', '.join(self.serving)}, and {others}"


def disagreement(shelves: Mapping[str, Shelf]) -> Disagreement | None:
    """Return where the release that was begun last serves, and where not; None where all of its run agree.

    A host that knows nothing of it was not in the run; one where it served once was gone back on by itself.

    Args:
        shelves: what each host has of releases, by its name.
    """
    serving = {host: shelf.serving for host, shelf in shelves.items() if not shelf.doubt}
    ours = [release for release in serving.values() if release and release.state is not State.ADOPTED]
    if not ours:
        return None
    newest = max(ours, key=lambda release: release.id).id
    kept = tuple(host for host, release in serving.items() if release and release.id == newest)
    others = {host: shelves[host].get(newest) for host in serving if host not in kept}
    against = {
        host: release.error or _CUT_OFF for host, release in others.items() if release and not release.good
    }
    return Disagreement(newest, kept, against) if against else None


def before(shelf: Shelf) -> Release | None:
    """Return what served before the release that serves, as it can be gone back to; None for nothing."""
    serving = shelf.serving
    served = shelf.get(serving.previous) if serving else None
    if served is None or not served.good:
        return None
    return shelf.get(served.restores) if served.restores else served
