"""Which published port leads to which service, and what it speaks, whatever proxy has it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.settings import Check

# Where a proxy listens for a port that several services have, each on an address of its own.
_APART = 10_000
_PORTS = 65_536
# Between the service and the port of a route by name: in no service's name.
_CALLED = ":"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for the health of what answers on a port, as a visitor of `host` asks.

    Attributes:
        status: the one that is good, 0 for any from 200 to 399.
        secure: whether it is asked over TLS.
    """

    path: str
    query: str = ""
    host: str = "localhost"
    status: int = 0
    secure: bool = False

    @property
    def name(self) -> str:
        """The host's name without a port, as a server that has several certificates is told it."""
        return urlsplit(f"//{self.host}").hostname or self.host


@dataclass(frozen=True, slots=True)
class Route:
    """A port that leads to a service: one that is published, on one address or more, or that of its name.

    Attributes:
        asked: what is asked for its health; None for whether it accepts a connection.
        also: its further addresses.
        listen: the port where the proxy listens, which no other route has.
        ipv6: whether its service is in a network that has IPv6.
        by_name: whether it is for those who call the service by its name; the port is not published then.
        found_as: the name under which the service's containers are found on its networks.
        raw: whether bytes pass as they come, because no HTTP was seen there.
        left_at: the path at which a load balancer is told that the host is taken out; "" for none.
        room: how many containers it has to have room for; 0 for what a proxy has anyhow.
    """

    service: str
    port: Port
    asked: Asked | None = None
    also: tuple[str, ...] = ()
    listen: int = field(kw_only=True)
    found_as: str = field(kw_only=True)
    raw: bool = False
    ipv6: bool = False
    by_name: bool = False
    left_at: str = ""
    room: int = 0

    @property
    def proxy(self) -> str:
        """The name by which scripts and records address it."""
        return f"{self.service}{_CALLED if self.by_name else '_'}{self.listen}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses; "" is every one of the host's."""
        return (self.port.address, *self.also)


def parts(proxy: str) -> tuple[str, str]:
    """Return the service that the route of this name leads to, and where the proxy listens, in digits."""
    service, _, port = proxy.rpartition(_CALLED if by_name(proxy) else "_")
    return service, port


def by_name(proxy: str) -> bool:
    """Return whether the route of this name is for those who call its service by name."""
    return _CALLED in proxy


def called(proxies: Iterable[str]) -> int:
    """Return the port at which the service with these routes is called by name; 0 for none."""
    return next((int(parts(proxy)[1]) for proxy in proxies if by_name(proxy)), 0)


def routes(
    services: Sequence[Service],
    checks: Iterable[Check],
    names: Mapping[str, str] | None = None,
    raw: Collection[str] = (),
) -> tuple[Route, ...]:
    """The ports of `services`, and of their names; a check of a port tells how to ask for its health.

    Args:
        names: where the containers of a service are not found by its own name.
        raw: the routes, as `Route.proxy` names them, on which bytes pass as they come.
    """
    found: dict[tuple[str, int], Route] = {}
    taken = {port.published for service in services for port in service.ports}
    heard = {service.called for service in services if service.called}
    by_its_name = tuple(_by_name(service, names or {}) for service in services if service.called)
    for service in services:
        for port in service.ports:
            if route := found.get((service.name, port.published)):
                # One port on several addresses, IPv4 and IPv6 for example, is one listener.
                found[service.name, port.published] = replace(route, also=(*route.also, port.address))
                continue
            listen = port.published if port.published not in heard else _apart(port.published, taken | heard)
            heard.add(listen)
            known = (names or {}).get(service.name, service.name)
            found[service.name, port.published] = Route(
                service.name, port, listen=listen, found_as=known, ipv6=service.ipv6
            )
    asked: dict[tuple[str, bool], Asked] = {}
    for check in checks:
        if route := route_of(tuple(found.values()), check):
            one = _asked(check)
            asked.setdefault((route.proxy, one.secure), one)

    def finished(route: Route) -> Route:
        as_it_comes = route.proxy in raw
        # What does not speak HTTP is asked over TLS or not at all.
        return replace(route, asked=asked.get((route.proxy, as_it_comes)), raw=as_it_comes)

    return (*map(finished, found.values()), *(replace(each, raw=each.proxy in raw) for each in by_its_name))


def _by_name(service: Service, names: Mapping[str, str]) -> Route:
    port, found_as = Port(0, service.called), names.get(service.name, service.name)
    return Route(
        service.name, port, listen=service.called, found_as=found_as, ipv6=service.ipv6, by_name=True
    )


def _apart(published: int, taken: Collection[int]) -> int:
    ways = ((published + step * _APART + more) % _PORTS for more in range(_APART) for step in range(1, 7))
    return next(port for port in ways if port >= 1024 and port not in taken)


def route_of(routes: Sequence[Route], check: Check) -> Route | None:
    """Return the route that leads to what a check asks; None for none, or where it may be either of two."""
    fits = [route for route in routes if route.port.published == check.port]
    if len(fits) > 1:
        # Of several services, one is named by the check, or has the address that is asked.
        at = urlsplit(check.url).hostname
        fits = [route for route in fits if check.service == route.service or at in route.addresses]
    return fits[0] if fits else None


def _asked(check: Check) -> Asked:
    url = urlsplit(check.url)
    host = check.host or url.netloc
    return Asked(url.path or "/", url.query, host, check.status or 0, url.scheme == "https")


def published(routes: Iterable[Route]) -> list[dict[str, Any]]:
    """Return `ports` of a compose file for a proxy that listens for `routes`."""
    return [
        {
            "mode": "ingress",
            "protocol": "tcp",
            "target": route.listen,
            "published": str(route.port.published),
            **({"host_ip": address} if address else {}),
        }
        for route in routes
        if not route.by_name
        for address in route.addresses
    ]
