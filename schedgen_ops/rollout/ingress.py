"""The ingress: an HAProxy that has the published ports and finds containers by Docker's DNS. Pure.

Its configuration follows HAProxy's manual (2.6): server-template with resolvers, drain by the runtime API.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.settings import Check

FOLDER = "/etc/schedgen-ingress"
SLOTS = 10

_HEAD = """\
# Written by schedgen_ops at every release; changes made here are lost.
# Container {container}
global
    log stdout format raw local0 notice
    stats socket ipv4@127.0.0.1:9999 level admin
    hard-stop-after 300s
    # What servers a reload finds is handed over in this file; else Docker's DNS is asked first.
    server-state-file /etc/schedgen-ingress/servers.state

defaults
    mode http
    log global
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 24h
    timeout http-keep-alive 75s
    # Slow is not down: on a busy machine even a health check may wait.
    timeout check 5s
    option redispatch 1
    option forwardfor
    retries 5
    retry-on conn-failure empty-response
    load-server-state-from-file global
    default-server check inter 200ms fastinter 100ms downinter 100ms rise 1 fall 3
    default-server resolvers docker init-addr last,none weight 256

resolvers docker
    nameserver docker 127.0.0.11:53
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 200ms
    timeout retry 200ms
    hold valid 200ms
    hold obsolete 200ms
    hold nx 200ms
    # Docker's DNS goes away with its daemon; the containers, and what is known of them, do not.
    hold timeout 1h
    hold refused 1h
    hold other 1h
"""

_SECTION = """
frontend {proxy}
    bind :{listen}
    # Only what may be asked twice is asked again after an answer was lost.
    http-request disable-l7-retry if !{{ method GET HEAD OPTIONS }}
    http-request set-var(txn.ours) bool(true) if {{ hdr(User-Agent) schedgen_ops }}
    default_backend {proxy}

backend {proxy}
    balance roundrobin
    # For each server: answers to visitors, and those of them that were errors. Our own requests do not count.
    stick-table type integer size 64 store gpc0,gpc1
    http-response track-sc0 srv_id if !{{ var(txn.ours) -m found }}
    http-response sc-inc-gpc0(0) if !{{ var(txn.ours) -m found }}
    http-response sc-inc-gpc1(0) if {{ status ge 500 }} !{{ var(txn.ours) -m found }}
{check}    server-template s {slots} {service}:{target}
"""

_CHECK = """\
    option httpchk
    http-check send meth GET uri {path} hdr Host localhost
    http-check expect status 200-399
"""


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
    return _HEAD.replace("{container}", mark) + "".join(
        _SECTION.format(
            proxy=route.proxy,
            listen=route.port.published,
            service=route.service,
            target=route.port.target,
            slots=SLOTS,
            check=_CHECK.format(path=route.path) if route.path else "",
        )
        for route in routes
    )


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
