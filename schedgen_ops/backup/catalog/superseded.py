"""Superseded data: what restores put aside on a host, listed and removed for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schedgen_ops.backup.data_location import locate, running
from schedgen_ops.backup.performing import perform
from schedgen_ops.backup.restore import scripts
from schedgen_ops.host_context import HostContext


@dataclass(frozen=True, slots=True)
class Superseded:
    """The superseded data of a host.

    Attributes:
        kept: names of databases and folders of objects that restores put aside, with their bytes.
        unmarked: what has such a name and no mark of ours: it is not touched.
    """

    kept: Mapping[str, int]
    unmarked: tuple[str, ...] = ()


def look(host: HostContext) -> Mapping[str, int]:
    """Return the names of superseded databases and folders with their bytes; warn of what only looks so."""
    location = locate(host.settings, running(host), "")
    answer = perform(host, scripts.kept(location), 300)
    found = parse(answer.lines())
    for name in found.unmarked:
        host.warn(f"{name} looks as if a restore had put it aside, and has no mark of one: it stays")
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


def sweep(host: HostContext) -> tuple[str, ...]:
    """Remove what restores made beside what serves, and left there; return the names of it.

    Nobody may be restoring: the run has the lock.
    """
    location = locate(host.settings, running(host), "")
    if not (location.database or location.objects):
        return ()
    answer = perform(host, scripts.unfinished(location), 600)
    return tuple(line.removeprefix("removed ") for line in answer.lines() if line.startswith("removed "))


def discard(host: HostContext, names: tuple[str, ...]) -> None:
    """Remove superseded data for good; `names` as `look` has them."""
    location = locate(host.settings, running(host), "")
    perform(host, scripts.discard(location, names), 600)
