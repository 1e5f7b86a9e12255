"""A small production for plans: two services behind the ingress, a worker, a database; and its containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schedgen_ops.commands.docker import INGRESS, Container
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.rollout.operations import Plan, text

HOW = {"db": "stop-first", "api": "ingress", "web": "ingress", "worker": "start-first"}
NEEDS = {"api": ("db",), "web": ("api",), "worker": ("db",)}
PORTS = {"api": ("api_3001",), "web": ("web_80",)}
ORDER = tuple(HOW)


def record(service: str, image: str, replicas: int = 1) -> ServiceRecord:
    """A service that runs `image`, replaced as `HOW` says."""
    return ServiceRecord(
        image=f"p-{service}:{image}",
        image_id=image,
        definition="same",
        replicas=replicas,
        strategy=HOW[service],
        proxies=PORTS.get(service, ()),
        needs=NEEDS.get(service, ()),
    )


def release(
    name: str,
    changed: Iterable[str] = ORDER,
    *,
    without: Iterable[str] = (),
    replicas: Mapping[str, int] | None = None,
) -> Release:
    """A release whose `changed` services have images of its own; the others run `base`."""
    counts = replicas or {}
    services = {
        service: record(service, name if service in {*changed} else "base", counts.get(service, 1))
        for service in ORDER
        if service not in {*without}
    }
    return Release(ReleaseId(name), "main", "a" * 40, State.DONE, services=services)


def box(service: str, release: str, image: str, number: int = 1, **facts: str) -> Container:
    """A container that runs, and is healthy."""
    return Container(
        id=f"{service}-{release}-{number}",
        name=f"p-{service}-{number}",
        service=service,
        image=image,
        image_name=image,
        status=facts.get("status", "running"),
        health=facts.get("health", "healthy"),
        started="",
        restarts=0,
        exit_code=0,
        oom_killed=False,
        definition="same" if release else "",
        written="same",
        release=release,
    )


def running(of: Release, *services: str) -> tuple[Container, ...]:
    """The containers of `services`, or of all, as a release has them, and the ingress."""
    return (
        *(
            box(name, of.id, one.image_id, number)
            for name, one in of.services.items()
            if not services or name in services
            for number in range(one.replicas)
        ),
        box(INGRESS, "", "haproxy"),
    )


def lines(plan: Plan) -> str:
    """A plan as an operator reads it."""
    return "\n".join(text(plan))
