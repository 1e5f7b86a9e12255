"""Where a project's published ports can be asked whether they are well. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands.definition import Port, Service
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.rollout.spoken import at

# What a healthcheck asks of its own container.
_ASKED = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(?P<port>\d{1,5}))?(?P<path>/[^\s\"'|;&)<>]*)?"
)
_USUAL = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Visit:
    """A port that a service publishes.

    Attributes:
        path: what the service's healthcheck asks of it; `/` where that asks nothing of this port.
        secure: whether it asks that over TLS.
        door: the port on the host itself, as `rollout.spoken` asks it.
    """

    service: str
    port: Port
    path: str = "/"
    secure: bool = False

    @property
    def door(self) -> str:
        return at(self.port)

    @property
    def url(self) -> str:
        """What a check of it asks."""
        address, _, port = self.door.partition("/")
        host = "localhost" if address == "127.0.0.1" else f"[{address}]" if ":" in address else address
        return f"http://{host}:{port}{self.path}"


def visits(seen: Seen) -> tuple[Visit, ...]:
    """Return one for each TCP port that a service publishes."""
    return tuple(visit for service in seen.services for visit in _of(service, seen.body(service.name)))


def _of(service: Service, body: Mapping[str, Any]) -> Iterator[Visit]:
    paths = dict(_paths(body))
    for port in service.ports:
        path, secure = paths.get(port.target, ("/", False))
        yield Visit(service.name, port, path, secure)


def _paths(body: Mapping[str, Any]) -> Iterator[tuple[int, tuple[str, bool]]]:
    test = (body.get("healthcheck") or {}).get("test") or ()
    text = test if isinstance(test, str) else " ".join(map(str, test))
    for found in _ASKED.finditer(text):
        secure = found["scheme"] == "https"
        yield int(found["port"] or _USUAL[found["scheme"]]), (found["path"] or "/", secure)
