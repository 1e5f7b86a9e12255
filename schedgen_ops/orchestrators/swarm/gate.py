"""The ingress of a Swarm: our proxy once on every node, with the published ports of that node. Pure.

It finds containers by the Swarm's DNS, `tasks.SERVICE`, wherever they run: no virtual address and no mesh is
needed. Its configuration is a config that is named by its content, like every other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.orchestrators.swarm import stack
from schedgen_ops.proxy import chosen
from schedgen_ops.proxy.routes import Route, routes
from schedgen_ops.settings import Settings

# `inv ops.scale` gives a service more without another ingress.
_PLACES = 10


@dataclass(frozen=True, slots=True)
class Gate:
    """The ingress of a release.

    Attributes:
        part: its file of the stack.
        texts: what is in its configs, by their names.
    """

    part: stack.Part
    texts: Mapping[str, str]


def behind(services: Iterable[Service], settings: Settings) -> tuple[Route, ...]:
    """Return the routes to services that publish ports.

    Where nothing says that a port speaks HTTP, neither a check nor `ingress.http`, bytes pass as they come.
    """
    published = [service for service in services if service.ports]
    names = {service.name: f"tasks.{settings.project}_{service.name}" for service in published}
    found = routes(published, settings.checks, names)
    spoken = {*settings.ingress.http}
    raw = [
        route.proxy
        for route in found
        if route.port.published in settings.ingress.tcp or not (route.asked or route.port.published in spoken)
    ]
    room = {service.name: places(service.replicas) for service in published}
    led = routes(published, settings.checks, names, raw)
    return tuple(replace(each, ipv6=False, room=room[each.service]) for each in led)


def places(replicas: int) -> int:
    """Return how many containers of a service the ingress has room for: old, new and a canary's together."""
    return max(_PLACES, 3 * replicas)


def gate(
    found: Sequence[Route],
    services: Iterable[Service],
    document: Mapping[str, Any],
    settings: Settings,
    image: str,
    page: str,
) -> Gate | None:
    """Return the ingress of a release; None where nothing publishes a port.

    Args:
        found: the routes, see `behind`.
        document: the compose file, resolved.
        image: what it runs from, by digest.
        page: what visitors get who are turned away.
    """
    if not found:
        return None
    names = {route.service for route in found}
    networks = sorted({net for each in services if each.name in names for net in each.networks})
    proxy = chosen(settings)
    body: dict[str, Any] = {
        **{
            key: value
            for key, value in proxy.service(image, "", found, {}).items()
            if key in ("image", "command", "stop_signal", "stop_grace_period")
        },
        "networks": dict.fromkeys(networks),
        "ports": list(_ports(found)),
        "deploy": {
            "mode": "global",
            "endpoint_mode": "dnsrr",
            "labels": {stack.OURS_LABEL: settings.project},
            "update_config": stack.update(
                settings, {"parallelism": settings.rollout.at_once(len(settings.hosts))}, "stop-first"
            ),
            "restart_policy": {"condition": "any"},
            **_placed(settings),
        },
    }
    texts = {
        proxy.config_name: proxy.render(found, body, settings.ingress),
        **proxy.besides(page),
    }
    contents = [stack.Content("configs", key, "", hashed(value)) for key, value in sorted(texts.items())]
    body["configs"] = [{"source": each.key, "target": f"{proxy.folder}/{each.key}"} for each in contents]
    made = {each.name(settings.project): texts[each.key] for each in contents}
    return Gate(stack.finished(INGRESS, body, document, settings, contents), made)


def _ports(found: Iterable[Route]) -> Iterator[dict[str, Any]]:
    for route in found:
        port = {"target": route.listen, "published": route.port.published}
        yield {**port, "protocol": "tcp", "mode": "host"}


def _placed(settings: Settings) -> dict[str, Any]:
    nodes = settings.swarm.ingress_on
    return {"placement": {"constraints": list(nodes)}} if nodes else {}


def hashed(content: str) -> str:
    """Return the hash of what is in a config."""
    return hashlib.sha256(content.encode()).hexdigest()
