"""The services that are called by nothing but their name, and may be by way of the ingress. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.commands.definition import Service
from schedgen_ops.drafting import found
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.rollout.spoken import HTTP, NOTHING
from schedgen_ops.rollout.strategies.contract import may_run_twice

# Those above are as likely as not at random (Linux: net.ipv4.ip_local_port_range).
_FIXED = 32768


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service at its only port; `doors` are where its containers are asked what they speak."""

    service: str
    port: int
    doors: tuple[str, ...]


def candidates(seen: Seen) -> Mapping[str, Candidate]:
    """Return those that a release changes, that hold no state, and that listen on one TCP port alone.

    One ingress knows by the port who is meant: those that share one, or have one that is published, are none.
    """
    variable, _ = found.picked(seen)
    tagged = {image for name, image in seen.tagged if name == variable}
    published = {port.published for service in seen.services for port in service.ports}
    one_port = (
        candidate
        for service in seen.services
        if may_run_twice(service) and not (service.ports or service.ends)
        if found.released(service, tagged)
        if (candidate := _at_one_port(service, seen))
    )
    alone = {each.service: each for each in one_port if each.port not in published}
    shared = Counter(each.port for each in alone.values())
    return {name: each for name, each in alone.items() if shared[each.port] == 1}


def called(seen: Seen) -> dict[str, int | str]:
    """Return `rollout.by_name` for what was seen to answer: the port, as HTTP or as bytes."""
    found_as: dict[str, int | str] = {}
    for name, candidate in candidates(seen).items():
        said = {seen.spoken.get(door, NOTHING) for door in candidate.doors}
        if NOTHING not in said:
            found_as[name] = candidate.port if said == {HTTP} else f"{candidate.port}/tcp"
    return found_as


def _at_one_port(service: Service, seen: Seen) -> Candidate | None:
    its = [each for each in seen.listens if each.service == service.name]
    ports = {each.ports for each in its}
    if len(ports) != 1 or any(each.udp for each in its):
        return None
    (those,) = ports
    if len(those) != 1 or those[0] >= _FIXED:
        return None
    return Candidate(service.name, those[0], tuple(f"{each.address}/{those[0]}" for each in its))
