"""HAProxy as the ingress: it finds containers by Docker's DNS. Pure.

Its configuration follows HAProxy's manual (2.6): server-template with resolvers, drain by the runtime API.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

from schedgen_ops.host_scripts import text
from schedgen_ops.proxy.contract import DEFAULTS, Networks
from schedgen_ops.proxy.routes import Asked, Route, published
from schedgen_ops.settings import Ingress

FOLDER = "/etc/schedgen-ingress"
SLOTS = 10
_ADDED = 4096


@dataclass(frozen=True, slots=True)
class HAProxy:
    """The `Proxy` that there is; a route's name is that of its frontend and of its backend."""

    name: str = "haproxy"
    config_name: str = "haproxy.cfg"
    folder: str = FOLDER

    def besides(self, page: str) -> Mapping[str, str]:
        """Return the page, the map of nobody, and what holds requests; none is empty: no config may be."""
        return {
            "hold.lua": text("proxies/haproxy/hold.lua"),
            "maintenance.map": "# Nobody is turned away.\n",
            "maintenance.html": page,
        }

    def service(
        self, image: str, folder: str, routes: Iterable[Route], networks: Networks
    ) -> Mapping[str, Any]:
        """Return it as a service of a compose file."""
        return {
            "image": image,
            "command": ["haproxy", "-W", "-db", "-f", f"{FOLDER}/{self.config_name}"],
            "volumes": [{"type": "bind", "source": folder, "target": FOLDER, "read_only": True}],
            "ports": published(routes),
            "networks": {
                network: {"aliases": sorted(names)} if names else None
                for network, names in sorted(networks.items())
            },
            "restart": "unless-stopped",
            "stop_signal": "SIGUSR1",
            "stop_grace_period": "60s",
        }

    def render(
        self, routes: Iterable[Route], service: Mapping[str, Any] | None, limits: Ingress = DEFAULTS
    ) -> str:
        """Return haproxy.cfg; it tells a changed `service` of its container too."""
        mark = hashlib.sha256(json.dumps(service, sort_keys=True).encode()).hexdigest()
        head = _filled(
            "global",
            container=mark,
            # What it adds to a request needs room besides.
            buffer=limits.header_kb * 1024 + _ADDED,
            connections=f"\n    maxconn {limits.connections}" if limits.connections else "",
            request=limits.request_timeout,
            connect=limits.connect_timeout,
            idle=limits.idle_timeout,
        )
        known = tuple(routes)
        left = _filled("out") if any(route.left_at for route in known) else ""
        return head + left + "".join(_listener(route) for route in known)


def _listener(route: Route) -> str:
    return _filled(
        "raw" if route.raw else "proxy",
        proxy=route.proxy,
        bind="\n".join(f"    bind {address}" for address in _binds(route)),
        service=route.found_as,
        target=route.port.target,
        slots=max(SLOTS, route.room),
        check=_check(route.asked) if route.asked else "",
        turned_away=_turned_away(route),
    )


def _turned_away(route: Route) -> str:
    """How visitors are turned away; who calls by name is none, and says itself for whom it asks."""
    if route.by_name:
        return "" if route.raw else _filled("called")
    if route.raw:
        return _filled("turned_away_raw", proxy=route.proxy)
    # A path of its own can be told from what visitors ask for.
    left = _filled("left", path=route.left_at) if route.left_at else ""
    return _filled("turned_away", proxy=route.proxy, health=_health(route.asked), left=left)


def _binds(route: Route) -> Iterator[str]:
    yield f":{route.listen}"
    if route.ipv6:
        yield f":::{route.listen} v6only"


def _health(asked: Asked | None) -> str:
    return _filled("health", path=asked.path) if asked and asked.path != "/" else ""


def _check(asked: Asked) -> str:
    """What a container is asked for its health: the same request as the configured check."""
    uri = f"{asked.path}?{asked.query}" if asked.query else asked.path
    status = str(asked.status or "200-399")
    check = _filled("check", uri=_quoted(uri), host=_quoted(asked.host), status=status)
    return check + (_filled("secure", server_name=_quoted(asked.name)) if asked.secure else "")


def _quoted(text: str) -> str:
    """A word of its configuration; between such quotes nothing means anything else."""
    return "'" + text.replace("'", "%27") + "'"


def _filled(name: str, **values: object) -> str:
    # A part is there once for each port, or not at all: Jinja would do no more, and takes long to import.
    return Template(text(f"proxies/haproxy/{name}.cfg")).substitute(values)
