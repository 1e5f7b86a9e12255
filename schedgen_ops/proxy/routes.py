"""Which published port leads to which service, whatever proxy has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.settings import Check


@dataclass(frozen=True, slots=True)
class Route:
    """A published port that leads to a service.

    Attributes:
        path: what is asked for the health of what answers there, "" for nothing; with `query`, as a visitor
            of `host`, for the status `status`, 0 for any that is good.
        also: its further addresses.
    """

    service: str
    port: Port
    path: str = ""
    also: tuple[str, ...] = ()
    query: str = ""
    host: str = "localhost"
    status: int = 0

    @property
    def proxy(self) -> str:
        """The name by which scripts and records address it."""
        return f"{self.service}_{self.port.published}"


def port_of(proxy: str) -> str:
    """Return the published port of the route of this name, in digits."""
    return proxy.rpartition("_")[2]


def routes(services: Iterable[Service], checks: Iterable[Check]) -> tuple[Route, ...]:
    """The ports of `services`; a configured check of a port tells how to ask for its health."""
    asked = {}
    for check in reversed(tuple(checks)):
        url = urlsplit(check.url)
        if url.scheme == "http":
            asked[url.port or 80] = (url, check.status or 0)
    found: dict[tuple[str, int], Route] = {}
    for service in services:
        for port in service.ports:
            route = found.get((service.name, port.published))
            # One port on several addresses, IPv4 and IPv6 for example, is one listener.
            more = replace(route, also=(*route.also, port.address)) if route else None
            found[service.name, port.published] = more or _route(service.name, port, asked)
    return tuple(found.values())


def _route(service: str, port: Port, asked: Mapping[int, tuple[SplitResult, int]]) -> Route:
    if port.published not in asked:
        return Route(service, port)
    url, status = asked[port.published]
    # Whoever asks names the host as the address does, without a login.
    host = url.netloc.rpartition("@")[2]
    return Route(service, port, url.path or "/", query=url.query, host=host, status=status)


def published(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """Return `ports` of a compose file for a proxy that listens on the ports that it publishes."""
    return [
        {
            "mode": "ingress",
            "protocol": "tcp",
            "target": route.port.published,
            "published": str(route.port.published),
            **({"host_ip": address} if address else {}),
        }
        for route in routes
        for address in (route.port.address, *route.also)
    ]
