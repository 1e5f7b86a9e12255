"""Whether the configuration fits the compose file to come: what only the host knows of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence

from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.rollout import scope
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.text import nearest

# The lists of services of which two containers are there at once for a while.
_BESIDE = ("ingress", "start_first")


def judged(settings: Settings, host: HostSettings, document: str, before: str) -> Iterator[Problem | str]:
    """Find what `problems` finds, or say that all is well.

    Args:
        document: the compose file to come, resolved, as JSON.
        before: that of the release that serves; "" for none.
    """
    try:
        wanted = parse_services(json.loads(document), {})
        served = [each.name for each in parse_services(json.loads(before), {})] if before.strip() else []
    except (ValueError, LookupError, TypeError, AttributeError):
        text = "whether the config fits the new compose file is not known: what Compose says cannot be read"
        yield Problem(text, refuses=False, unknown=True)
        return
    yield "all that the config names are there"
    yield from problems(settings, host, wanted, served)


def problems(
    settings: Settings, host: HostSettings, services: Sequence[Service], before: Collection[str] = ()
) -> Iterator[Problem]:
    """Find what the config asks of services that cannot be, and services that it leaves out.

    Args:
        services: what the compose file to come says.
        before: the services of the release that serves: one of those may be gone by now.
    """
    known = {service.name: service for service in services}
    yield from _missing(settings, host, known, before)
    for name in _BESIDE:
        for service in settings.rollout.lists[name]:
            if service in known and (why := _twice(name, known[service])):
                yield Problem(f"rollout.{name} has {service}: {why}", "Take it from that list.")
    deployed = {*settings.services, *(each.name for each in scope.on(services, settings, host))}
    left = [name for name in known if host.runs(name) and name not in deployed]
    if settings.tiers and left:
        text = f"in no tier, so that no deploy starts or replaces it: {', '.join(left)}"
        yield Problem(text, "Name it in a tier of the config, unless that is meant.", refuses=False)


def _missing(
    settings: Settings, host: HostSettings, known: Collection[str], before: Collection[str]
) -> Iterator[Problem]:
    for service, places in _named(settings).items():
        if service in known or not host.runs(service):
            continue
        near = nearest(service, known)
        hint = f"Did you mean {near!r}?" if near else "Its services: " + ", ".join(sorted(known)) + "."
        text = f"{', '.join(places)}: the new compose file has no service {service!r}"
        yield Problem(text, hint, refuses=service not in before)


def _named(settings: Settings) -> dict[str, list[str]]:
    """Where the config names each service."""
    found: dict[str, list[str]] = {}

    def named(place: str, *services: str | None) -> None:
        for service in services:
            if service and place not in found.setdefault(service, []):
                found[service].append(place)

    for tier in settings.tiers:
        named(f"tier {tier.name}", *tier.services)
    for name, services in settings.rollout.lists.items():
        named(f"rollout.{name}", *services)
    for check in settings.checks:
        named(f"check {check.name}", check.service)
    for title in ("database", "objects"):
        if part := getattr(settings, title):
            named(title, part.service)
            named(f"{title}.used_by", *part.used_by)
    if settings.migrations:
        named("migrations", settings.migrations.service)
    return found


def _twice(listed: str, service: Service) -> str:
    """Why a service cannot be replaced as a list asks for; "" if it can."""
    if service.fixed_name:
        why = "it has a container_name"
    elif service.single:
        why = service.single
    elif service.odd_ports:
        why = "it publishes what is no single TCP port"
    elif listed == "start_first" and service.ports:
        why = "it publishes ports (rollout.ingress is for those)"
    else:
        nowhere = listed == "ingress" and not service.ports
        return "it publishes no port, so nothing would lead to it" if nowhere else ""
    return f"{why}, and two of it cannot be there at once"
