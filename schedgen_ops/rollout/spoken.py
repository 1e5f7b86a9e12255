"""What a published port speaks: by the config, as known of earlier, or by asking what serves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from schedgen_ops.commands.definition import Port, Service
from schedgen_ops.host_scripts import host_script
from schedgen_ops.proxy.routes import Route, called, routes
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.settings import Balancer, Settings
from schedgen_ops.shell import Command

HTTP, NOTHING = "http", "nothing"
_LIMIT = 5
DEADLINE = 4 * _LIMIT
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

Spoken = Mapping[str, str]
"""Of doors, ADDRESS/PORT each: http, tls, tcp or nothing."""
NOTHING_ASKED: Spoken = {}


def door(route: Route) -> str:
    """Return where a route's port is reached on the host itself."""
    return at(route.port)


def at(port: Port) -> str:
    """Return where a published port is reached on the host itself."""
    return f"{_EVERYWHERE.get(port.address, port.address)}/{port.published}"


def command(doors: Sequence[str]) -> Command:
    """Return what asks doors."""
    return host_script("ports/spoken", title="what ports speak", doors=doors, limit=_LIMIT)


def parse(stdout: str) -> Spoken:
    """Read its answer."""
    return dict(line.rsplit(" ", 1) for line in stdout.split("\n") if " " in line)


def to_ask(
    services: Sequence[Service], settings: Settings, known: Mapping[str, ServiceRecord]
) -> tuple[str, ...]:
    """Return the doors of which neither the config nor the release before says that they speak HTTP.

    Args:
        services: those behind the ingress.
        known: the services of the release before.
    """
    return tuple(
        door(route)
        for route in routes(services, settings.checks)
        if not route.by_name
        and route.port.published not in (*settings.ingress.http, *settings.ingress.tcp)
        and not _spoke_http(route, known)
    )


def raw(
    services: Sequence[Service], settings: Settings, known: Mapping[str, ServiceRecord], spoken: Spoken
) -> frozenset[str]:
    """Return the routes on which bytes pass as they come, as `Route.proxy` names them.

    What was seen decides. Where nobody answered, the configured check of the port does, and without one
    nothing says that it is HTTP.
    """
    return frozenset(
        route.proxy
        for route in routes(services, settings.checks)
        if not _http(route, settings, known, spoken.get(door(route), NOTHING))
    )


def behind(services: Iterable[Service], records: Mapping[str, ServiceRecord]) -> list[Service]:
    """Return the services that a release has behind the ingress, as they are called there."""
    gated = {name: record.proxies for name, record in records.items() if record.proxies}
    return [
        replace(service, called=called(gated[service.name])) for service in services if service.name in gated
    ]


def led(
    services: Sequence[Service],
    settings: Settings,
    records: Mapping[str, ServiceRecord],
    names: Mapping[str, str] | None = None,
) -> tuple[Route, ...]:
    """Return the routes to what is `behind`, each as HTTP or as bytes, as the records of a release have it.

    Args:
        names: where the containers of a service are not found by its own name.
    """
    as_it_comes = [name for record in records.values() for name in record.raw]
    found = routes(services, settings.checks, names, as_it_comes)
    return tuple(replace(route, left_at=_left_at(route, settings.balancer)) for route in found)


def _left_at(route: Route, balancer: Balancer | None) -> str:
    """Where a load balancer asks for the health of a host; it comes by a port, and speaks HTTP."""
    if balancer is None or balancer.health is None or route.raw or route.by_name:
        return ""
    return balancer.health if balancer.service in (None, route.service) else ""


def _http(route: Route, settings: Settings, known: Mapping[str, ServiceRecord], seen: str) -> bool:
    if route.by_name:
        _, as_it_comes = settings.rollout.called[route.service]
        return not as_it_comes
    if route.port.published in (*settings.ingress.http, *settings.ingress.tcp):
        return route.port.published in settings.ingress.http
    if _spoke_http(route, known) or seen != NOTHING:
        return seen in (HTTP, NOTHING)
    return route.asked is not None and not _has(route, known, "raw")


def _spoke_http(route: Route, known: Mapping[str, ServiceRecord]) -> bool:
    """Whether an ingress led to it as HTTP: what has no `raw` is from before there was anything else."""
    return _has(route, known, "proxies") and not _has(route, known, "raw")


def _has(route: Route, known: Mapping[str, ServiceRecord], kind: str) -> bool:
    record = known.get(route.service)
    return record is not None and route.proxy in getattr(record, kind)
