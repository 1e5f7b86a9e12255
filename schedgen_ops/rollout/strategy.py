"""How each service is replaced: by what its definition says, unless the config says otherwise. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.settings import Rollout


class Strategy(StrEnum):
    """How the containers of a service are replaced."""

    INGRESS = "ingress"
    START_FIRST = "start-first"
    STOP_FIRST = "stop-first"
    LEFT_ALONE = "left alone"


def strategy(service: Service, config: Rollout) -> Strategy:
    """How `service` is replaced.

    What is built from the project keeps its state elsewhere, and may run twice for a moment. An image from
    elsewhere is a database or a queue as likely as not: two of them side by side would be two different ones.
    """
    if service.name in config.ingress:
        return Strategy.INGRESS
    if service.name in config.start_first:
        return Strategy.START_FIRST
    alone = service.fixed_name or service.single or service.odd_ports or service.volumes or not service.built
    if service.name in config.stop_first or alone:
        return Strategy.STOP_FIRST
    return Strategy.INGRESS if service.ports else Strategy.START_FIRST


def strategies(services: Iterable[Service], config: Rollout) -> dict[str, Strategy]:
    """How each of the services of a host is replaced.

    The ingress has one listener for a port: services that publish the same one, each on an address of its
    own, keep theirs.
    """
    known = tuple(services)
    chosen = {service.name: strategy(service, config) for service in known}
    users: dict[int, set[str]] = {}
    for service in known:
        for port in service.ports if chosen[service.name] is Strategy.INGRESS else ():
            users.setdefault(port.published, set()).add(service.name)
    for names in users.values():
        if len(names) > 1:
            chosen |= dict.fromkeys(names, Strategy.STOP_FIRST)
    return chosen


def beside(record: ServiceRecord) -> bool:
    """Tell whether containers of a service may run beside those that they replace: never two on one store.

    What an earlier config had left alone is replaced where today's says so, and was left alone for its data.
    """
    return record.strategy not in (Strategy.STOP_FIRST, Strategy.LEFT_ALONE)


Grouping = Callable[[Mapping[str, ServiceRecord]], tuple[tuple[str, ...], ...]]
"""Which services go together, group after group."""


def together(services: Mapping[str, ServiceRecord]) -> tuple[tuple[str, ...], ...]:
    """All that start beside their old containers in one group: those go on serving whatever the others do.

    A service that is stopped first has a group of its own: what comes after it may need it.
    """
    groups: list[tuple[str, ...]] = []
    alone = True
    for name, record in services.items():
        before, alone = alone, not beside(record)
        if before or alone:
            groups.append((name,))
        else:
            groups[-1] += (name,)
    return tuple(groups)


def waves(services: Mapping[str, ServiceRecord]) -> tuple[tuple[str, ...], ...]:
    """Services in groups: one depends on nothing in its own group or in a later one.

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
