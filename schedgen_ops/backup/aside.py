"""What restores put aside on a host: looked up, and removed for good."""

from __future__ import annotations

from collections.abc import Mapping

from schedgen_ops.backup import restore_scripts
from schedgen_ops.backup.places import perform, places_of, running
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings


def kept(remote: Remote, settings: Settings) -> Mapping[str, int]:
    """What restores put aside on a host: names of databases and folders of objects, with their bytes."""
    places = places_of(settings, running(remote, settings), "")
    answer = perform(remote, settings, restore_scripts.kept(places), 300)
    found = {}
    for line in answer.lines():
        kind, name, count = line.split()
        found[name] = int(count) * (1 if kind == "database" else 1024)
    return found


def discard(remote: Remote, settings: Settings, names: tuple[str, ...]) -> None:
    """Removes what restores put aside, for good; `names` as `kept` has them."""
    places = places_of(settings, running(remote, settings), "")
    perform(remote, settings, restore_scripts.discard(places, names), 600)
