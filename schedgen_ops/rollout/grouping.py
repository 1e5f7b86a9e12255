"""Which services are replaced together, and which after which. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.strategies import registry

Grouping = Callable[[Mapping[str, ServiceRecord]], tuple[tuple[str, ...], ...]]
"""Which services go together, group after group."""


def together(services: Mapping[str, ServiceRecord]) -> tuple[tuple[str, ...], ...]:
    """Group all that start beside their old containers: those go on serving whatever the others do.

    A service that is stopped first has a group of its own: what comes after it may need it. One that restarts
    with another comes after that.
    """
    groups: list[tuple[str, ...]] = []
    alone = True
    for name, record in services.items():
        before, alone = alone, not registry.of(record).beside
        after = groups and {*record.restarts_with} & {*groups[-1]}
        if before or alone or after:
            groups.append((name,))
        else:
            groups[-1] += (name,)
    return tuple(groups)


def needed_by(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> dict[str, None]:
    """Return all that services need, and what that needs."""
    found: dict[str, None] = {}
    asked = [need for name in names for need in needs.get(name, ())]
    while asked:
        name = asked.pop(0)
        if name not in found:
            found[name] = None
            asked += needs.get(name, ())
    return found


def some(services: Mapping[str, ServiceRecord], names: Collection[str]) -> dict[str, ServiceRecord]:
    """Return those of `services`, each with what it needs of one another by way of others too."""
    needs = {name: record.needs for name, record in services.items()}
    return {
        name: replace(services[name], needs=tuple(each for each in needed_by([name], needs) if each in names))
        for name in names
    }


def waves(services: Mapping[str, ServiceRecord]) -> tuple[tuple[str, ...], ...]:
    """Return services in groups: one depends on nothing in its own group or in a later one.

    A circle, which Compose refuses anyway, ends up in one last group.
    """
    left = {name: set(record.needs) for name, record in services.items()}
    groups: list[tuple[str, ...]] = []
    while left:
        ready = tuple(name for name, needs in left.items() if not needs & left.keys()) or tuple(left)
        groups.append(ready)
        for name in ready:
            del left[name]
    return tuple(groups)
