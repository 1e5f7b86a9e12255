"""Superseded data: what restores put aside on a host, listed and removed for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schedgen_ops import events
from schedgen_ops.backup.data_location import locate, running
from schedgen_ops.backup.performing import perform
from schedgen_ops.backup.restore import scripts
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Superseded:
    """The superseded data of a host.

    Attributes:
        kept: names of databases and folders of objects that restores put aside, with their bytes.
        unmarked: what has such a name and no mark of ours: it is not touched.
    """

    kept: Mapping[str, int]
    unmarked: tuple[str, ...] = ()


def look(remote: Remote, settings: Settings, emit: events.Emit) -> Mapping[str, int]:
    """Return the names of superseded databases and folders with their bytes; warn of what only looks so."""
    location = locate(settings, running(remote, settings), "")
    answer = perform(remote, settings, scripts.kept(location), 300)
    found = parse(answer.lines())
    for name in found.unmarked:
        events.warn(
            emit,
            f"{name} looks as if a restore had put it aside, and has no mark of one: it stays",
            remote.name,
        )
    return found.kept


def parse(lines: Iterable[str]) -> Superseded:
    """Read the answer of `restore.scripts.kept`."""
    found: dict[str, int] = {}
    unmarked = []
    for line in lines:
        match line.split():
            case ["unmarked", name]:
                unmarked.append(name)
            case [kind, name, count]:
                found[name] = int(count) * (1 if kind == "database" else 1024)
    return Superseded(found, tuple(unmarked))


def discard(remote: Remote, settings: Settings, names: tuple[str, ...]) -> None:
    """Remove superseded data for good; `names` as `look` has them."""
    location = locate(settings, running(remote, settings), "")
    perform(remote, settings, scripts.discard(location, names), 600)
