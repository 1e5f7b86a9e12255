"""Whether the configuration fits the compose file to come: what only the host knows of it. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence

from schedgen_ops.checklist.changes import Coming
from schedgen_ops.checklist.remade import remade
from schedgen_ops.commands import builds
from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.definition import UNREAD, parse_hashes
from schedgen_ops.commands.docker import INGRESS, Container
from schedgen_ops.preflight.local_engine import INSTEAD
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.rollout import picked, scope, state
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.strategies.contract import may_run_twice
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.text import nearest

# The lists of services of which two containers are there at once for a while.
_BESIDE = ("ingress", "start_first")


def judged(
    settings: Settings, host: HostSettings, coming: Coming, before: str, boxes: Sequence[Container] = ()
) -> Iterator[Problem | str]:
    """Find what `problems` finds, or say that all is well.

    Args:
        coming: the release to come, whose compose file was taken.
        before: the compose file of the release that serves, resolved, as JSON; "" for none.
        boxes: the project's containers.
    """
    try:
        wanted = known(settings, parse_services(json.loads(coming.document or ""), {}), coming, boxes)
        served = [each.name for each in parse_services(json.loads(before), {})] if before.strip() else []
        fixed = (*unmovable(settings, host, wanted, coming), *remade(before, coming.document or ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        text = "whether the config fits the new compose file is not known: what Compose says cannot be read"
        yield Problem(text, refuses=False, unknown=True)
        return
    yield "all that the config names are there"
    yield from (*unread(coming), *problems(settings, host, wanted, served, boxes), *fixed)


def unread(coming: Coming) -> Iterator[Problem]:
    """Find that no release can keep the compose file to come: Compose does not read what it makes of it."""
    if why := parse_hashes(coming.hashes).get(UNREAD):
        hint = "`docker compose config --format json | docker compose -f - config` shows it."
        yield Problem(f"no release can keep the new compose file: {why}", hint)


def unmovable(
    settings: Settings, host: HostSettings, services: Sequence[Service], coming: Coming
) -> Iterator[Problem]:
    """Find what keeps this machine from building for a host, where it is to."""
    if not settings.built_here or coming.document is None:
        return
    names = {each.image_of or each.name for each in scope.on(services, settings, host) if each.built}
    document = json.loads(coming.document)
    if why := builds.hindrance(document, sorted(names), settings.directory, coming.place):
        yield Problem(why, INSTEAD)


def known(
    settings: Settings, services: Sequence[Service], coming: Coming, boxes: Sequence[Container]
) -> tuple[Service, ...]:
    """Return the services of the compose file to come with what the host knows of their state."""
    services = picked.known(settings, services, coming.tag)
    return state.judged(services, settings, state.volumes(services, coming.images, boxes), coming.tracked.ids)


def problems(
    settings: Settings,
    host: HostSettings,
    services: Sequence[Service],
    before: Collection[str] = (),
    boxes: Sequence[Container] = (),
) -> Iterator[Problem]:
    """Find what the config asks of services that cannot be, and services that it leaves out.

    Args:
        services: what the compose file to come says.
        before: the services of the release that serves: one of those may be gone by now.
        boxes: the project's containers.
    """
    there = {service.name: service for service in services}
    yield from _missing(settings, host, there, before)
    yield from twice(settings, services)
    yield from _unstarted(settings, host, services)
    yield from _ended(settings, host, services, boxes)
    yield from _called(settings, services)
    yield from _held(settings, boxes)
    deployed = {*settings.services, *(each.name for each in scope.on(services, settings, host))}
    left = [name for name in there if host.runs(name) and name not in deployed]
    if settings.tiers and left:
        text = f"in no tier, so that no deploy starts or replaces it: {', '.join(left)}"
        yield Problem(text, "Name it in a tier of the config, unless that is meant.", refuses=False)


def twice(settings: Settings, services: Iterable[Service]) -> Iterator[Problem]:
    """Find services of which the config asks for two at once, and that can only be there once."""
    for name in _BESIDE:
        for service in services:
            if service.name in settings.rollout.lists[name] and (why := _twice(name, service)):
                more = ", or mount a named volume or a tmpfs there" if service.own else ""
                yield Problem(f"rollout.{name} has {service.name}: {why}", f"Take it from that list{more}.")


def _unstarted(settings: Settings, host: HostSettings, services: Sequence[Service]) -> Iterator[Problem]:
    """Find what a deploy is to bring, or what that needs, and what has no container."""
    here = scope.on(services, settings, host)
    needed = {name for each in here for name in (each.name, *each.needs)}
    for service in services:
        if service.provided and service.name in needed:
            text = f"{service.name} is no container but what a `provider` makes, which no deploy asks"
            yield Problem(text, "Make it beside the project, and write into the env file what it tells.")
        tiers = [tier.name for tier in settings.tiers if service.name in tier.services]
        if not service.replicas and tiers and host.runs(service.name):
            text = f"tier {tiers[0]} names {service.name}, of which the new compose file has no container"
            yield Problem(text, "Take it from the tier, or give it one (`replicas`, `scale`).")


def _ended(
    settings: Settings, host: HostSettings, services: Sequence[Service], boxes: Sequence[Container]
) -> Iterator[Problem]:
    """Find what a deploy starts again though it has ended, and of which nothing says that it is a job."""
    here = scope.on(scope.seen_to_end(services, boxes, {}), settings, host)
    hows = registry.chosen(here, settings)
    for name, how in hows.items():
        its = [box for box in boxes if box.service == name]
        if its and all(box.ended_well for box in its) and not (how.ends or how.kept):
            text = f"{name} has ended with exit code 0: a deploy starts it again, and fails if it ends again"
            yield Problem(text, "Name it in rollout.jobs, if it is to end.", refuses=False)


def _called(settings: Settings, services: Iterable[Service]) -> Iterator[Problem]:
    """Find services that cannot be behind the ingress by their names."""
    published = {port.published: service.name for service in services for port in service.ports}
    for service in services:
        if service.name not in settings.rollout.by_name:
            continue
        port, _ = settings.rollout.called[service.name]
        if not may_run_twice(service):
            why = service.once or "it has a volume, or publishes what is no single TCP port"
            yield Problem(f"rollout.by_name has {service.name}: {why}", "Take it from there.")
        if port in published:
            text = f"rollout.by_name has {service.name} at port {port}, which {published[port]} publishes"
            hint = "The ingress listens there for that. Publish another port, or take it from there."
            yield Problem(text, hint)


def _held(settings: Settings, boxes: Iterable[Container]) -> Iterator[Problem]:
    """Services whose ports no ingress can get, since it runs already and they have them."""
    running = [box for box in boxes if box.status == "running"]
    if not any(box.service == INGRESS for box in running):
        return
    having = {box.service for box in running if box.published}
    for name in settings.rollout.ingress:
        if name in having:
            text = f"rollout.ingress has {name}: its ports are its own, and an ingress that runs gets none"
            hint = (
                "Take it from that list. Or take the ingress away once: the next deploy hands all ports over."
            )
            yield Problem(text, hint)


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
    named("rollout.by_name", *settings.rollout.by_name)
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
    if service.alone:
        why = service.alone
    elif service.odd_ports:
        why = "it publishes what is no single TCP port"
    elif listed == "start_first" and service.ports:
        why = "it publishes ports (rollout.ingress is for those)"
    else:
        nowhere = listed == "ingress" and not service.ports
        return "it publishes no port, so nothing would lead to it" if nowhere else ""
    return f"{why}, and two of it cannot be there at once"
