"""The ingress: an HAProxy that has the published ports and finds containers by Docker's DNS. Pure.

Its configuration follows HAProxy's manual (2.6): server-template with resolvers, drain by the runtime API.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from string import Template
from typing import Any
from urllib.parse import urlsplit

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.host_scripts import text
from schedgen_ops.settings import Check

FOLDER = "/etc/schedgen-ingress"
SLOTS = 10


@dataclass(frozen=True, slots=True)
class Route:
    """A published port that leads to a service; `also` has its further addresses."""

    service: str
    port: Port
    path: str = ""
    also: tuple[str, ...] = ()

    @property
    def proxy(self) -> str:
        """The name of its frontend and backend."""
        return f"{self.service}_{self.port.published}"


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


def config(routes: Iterable[Route], definition: Mapping[str, Any] | None) -> str:
    """haproxy.cfg; it tells a changed `definition` of its container too."""
    mark = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()
    return _filled("global", container=mark) + "".join(
        _filled(
            "proxy",
            proxy=route.proxy,
            listen=route.port.published,
            service=route.service,
            target=route.port.target,
            slots=SLOTS,
            check=_filled("check", path=route.path) if route.path else "",
        )
        for route in routes
    )


def _filled(name: str, **values: object) -> str:
    # A part is there once for each port, or not at all: Jinja would do no more, and takes long to import.
    return Template(text(f"haproxy/{name}.cfg")).substitute(values)


def definition(
    image: str, folder: str, routes: Iterable[Route], networks: Iterable[str]
) -> Mapping[str, Any]:
    """The ingress as a service of a compose file.

    Args:
        folder: where haproxy.cfg is on the host.
    """
    ports = [
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
    return {
        "image": image,
        "command": ["haproxy", "-W", "-db", "-f", f"{FOLDER}/haproxy.cfg"],
        "volumes": [{"type": "bind", "source": folder, "target": FOLDER, "read_only": True}],
        "ports": ports,
        "networks": dict.fromkeys(sorted(set(networks))),
        "restart": "unless-stopped",
        "stop_signal": "SIGUSR1",
        "stop_grace_period": "60s",
    }
