"""Which published port leads to which service, whatever proxy has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.settings import Check


@dataclass(frozen=True, slots=True)
class Route:
    """A published port that leads to a service; `also` has its further addresses."""

    service: str
    port: Port
    path: str = ""
    also: tuple[str, ...] = ()

    @property
    def proxy(self) -> str:
        """The name by which scripts and records address it."""
        return f"{self.service}_{self.port.published}"


def port_of(proxy: str) -> str:
    """Return the published port of the route of this name, in digits."""
    return proxy.rpartition("_")[2]


def routes(services: Iterable[Service], checks: Iterable[Check]) -> tuple[Route, ...]:
    """The ports of `services`; a configured check of a port tells what path to ask for its health."""
    paths = {}
    for check in reversed(tuple(checks)):
        url = urlsplit(check.url)
        if url.scheme == "http":
            paths[url.port or 80] = url.path or "/"
    found: dict[tuple[str, int], Route] = {}
    for service in services:
        for port in service.ports:
            route = found.get((service.name, port.published))
            # One port on several addresses, IPv4 and IPv6 for example, is one listener.
            more = replace(route, also=(*route.also, port.address)) if route else None
            path = paths.get(port.published, "")
            found[service.name, port.published] = more or Route(service.name, port, path)
    return tuple(found.values())


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
