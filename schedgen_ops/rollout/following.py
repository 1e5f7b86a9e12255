"""Services whose containers use another one's network or the like: they go where that one goes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from schedgen_ops.commands.docker import Container
from schedgen_ops.release.record import NO_RELEASE, Release, ReleaseId, ServiceRecord
from schedgen_ops.rollout.plan import Action, ServiceChange, changes

Uses = Mapping[str, Mapping[str, str]]
"""What a service uses, by the service that it belongs to, for each that uses anything."""
Groups = Sequence[Sequence[str]]
Changes = tuple[ServiceChange, ...]


def uses(records: Mapping[str, ServiceRecord], found: Iterable[Container] = ()) -> Uses:
    """Return what services use, as records say it and as containers do: a record of before says nothing."""
    boxes = tuple(found)
    owners = {box.id: box.service for box in boxes}
    known = {name: dict(record.uses) for name, record in records.items() if record.uses}
    for box in boxes:
        for container, what in box.uses if box.service in records else ():
            if container in owners:
                known.setdefault(box.service, {})[owners[container]] = what
    return known


def todo(
    services: Iterable[str],
    wanted: Release,
    found: Sequence[Container],
    serving: Release | None,
    foreseen: Mapping[str, str] | None = None,
    begun: ReleaseId = NO_RELEASE,
    further: Callable[[Changes], Changes] = tuple,
) -> tuple[dict[str, ServiceChange], tuple[ServiceChange, ...]]:
    """Return what is done to services and to those that go with them, and which of them are left as they are.

    Args:
        found: the project's containers.
        serving, foreseen, begun: see `plan.changes`.
        further: what changes besides, from what does.
    """
    alone = changes(services, wanted.services, found, serving, foreseen, begun)
    told = [_orphaned(change, wanted, found) for change in further(alone)]
    moved = {change.service: change for change in told if change.touches}
    moved |= {each.service: each for each in followers(moved, wanted.services, found)}
    return moved, tuple(change for change in told if change.service not in moved)


def _orphaned(change: ServiceChange, wanted: Release, found: Sequence[Container]) -> ServiceChange:
    """One that seems unchanged, and uses what is no longer there."""
    record = wanted.services[change.service]
    why = "" if change.touches else orphaned(change.service, record, found)
    return ServiceChange(change.service, Action.REPLACE, why) if why else change


def followers(
    touched: Collection[str], records: Mapping[str, ServiceRecord], found: Sequence[Container]
) -> tuple[ServiceChange, ...]:
    """Return what happens to those that run, and use what belongs to a service that is replaced.

    Args:
        touched: the services that are replaced.
        records: what the services are to be.
        found: the project's containers.
    """
    known, there = uses(records, found), {box.service for box in found}
    added: dict[str, ServiceChange] = {}
    gone = [*touched]
    while gone:
        used = gone.pop(0)
        for name in records:
            if name in there and name not in touched and name not in added and used in known.get(name, {}):
                why = f"{used}, whose {known[name][used]} it uses, is replaced"
                added[name] = ServiceChange(name, Action.REPLACE, why)
                gone.append(name)
    return tuple(added.values())


def orphaned(service: str, record: ServiceRecord, found: Sequence[Container]) -> str:
    """Return of what a service's containers use the owner is gone; "" where all is there."""
    mine = [{container for container, _ in box.uses} for box in found if box.service == service]
    for used, what in record.uses:
        theirs = {box.id for box in found if box.service == used}
        if theirs and not all(ids & theirs for ids in mine):
            return f"{used}, whose {what} it uses, was replaced"
    return ""


def behind(groups: Groups, known: Uses) -> tuple[tuple[str, ...], ...]:
    """Return groups of services in which none comes before, or with, another one whose network it uses.

    Args:
        known: what services use, as `uses` tells it.
    """
    found = [tuple(group) for group in groups]
    # One that uses what itself uses another's moves again, and no more often than there are such.
    for _ in known:
        for name, owners in known.items():
            places = {each: number for number, group in enumerate(found) for each in group}
            last = max((places[owner] for owner in owners if owner in places), default=-1)
            if name in places and places[name] <= last:
                found = [tuple(each for each in group if each != name) for group in found]
                found.insert(last + 1, (name,))
    return tuple(filter(None, found))
