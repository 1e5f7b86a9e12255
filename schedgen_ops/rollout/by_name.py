"""The services that are called by nothing but their name, and may be by way of the ingress. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.rollout.spoken import HTTP, NOTHING, Spoken
from schedgen_ops.rollout.strategies.contract import may_run_twice
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

# Those above are as likely as not at random (Linux: net.ipv4.ip_local_port_range).
_FIXED = 32768
_KIND = "listens"


@dataclass(frozen=True, slots=True)
class Listener:
    """A container of a service: its address among containers, its TCP ports, whether it has UDP ones."""

    service: str
    address: str
    udp: bool
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service at its only port; `doors` are where its containers are asked what they speak."""

    service: str
    port: int
    doors: tuple[str, ...]


def command(docker: Docker, project: str) -> Command:
    """Return what tells where the containers of a project listen that hold nothing; it changes nothing."""
    return host_script(
        "ports/listeners", title="where containers listen", docker=docker.words, project=project
    )


def parse(lines: Iterable[str]) -> tuple[Listener, ...]:
    """Read such lines; those of other kinds are left out."""
    rows = (line.split("\t") for line in lines)
    return tuple(listener(*row[1:]) for row in rows if row[0] == _KIND and len(row) > 3)


def listener(service: str, address: str, udp: str, *ports: str) -> Listener:
    """Read the fields of such a line."""
    return Listener(service, address, udp != "0", tuple(sorted({*map(int, ports)})))


def candidates(
    services: Sequence[Service], released: Iterable[Service], listens: Sequence[Listener]
) -> Mapping[str, Candidate]:
    """Return those that a release changes, that hold no state, and that listen on one TCP port alone.

    One ingress knows by the port who is meant: those that share one, or have one that is published, are none.

    Args:
        services: all of the project's.
        released: those whose image a release changes.
        listens: where their containers listen that run.
    """
    published = {port.published for service in services for port in service.ports}
    one_port = (
        candidate
        for service in released
        if may_run_twice(service) and not (service.ports or service.ends)
        if (candidate := _at_one_port(service, listens))
    )
    alone = {each.service: each for each in one_port if each.port not in published}
    shared = Counter(each.port for each in alone.values())
    return {name: each for name, each in alone.items() if shared[each.port] == 1}


def further(
    services: Sequence[Service], here: Iterable[Service], settings: Settings, listens: Sequence[Listener]
) -> Mapping[str, Candidate]:
    """Return the candidates of which the config says nothing, and with which it may be called so.

    Args:
        services: all of the project's.
        here: those that a release brings to a host.
    """
    rollout = settings.rollout
    said = {*rollout.called, *rollout.stop_first, *rollout.jobs}
    taken = {port for port, _ in rollout.called.values()}
    released = [each for each in here if each.built or each.picked]
    found = candidates(services, released, listens)
    return {name: each for name, each in found.items() if name not in said and each.port not in taken}


def answering(found: Mapping[str, Candidate], spoken: Spoken) -> dict[str, int | str]:
    """Return `rollout.by_name` for those that were seen to answer: the port, as HTTP or as bytes."""
    said = {name: {spoken.get(door, NOTHING) for door in each.doors} for name, each in found.items()}
    return {
        name: each.port if said[name] == {HTTP} else f"{each.port}/tcp"
        for name, each in found.items()
        if NOTHING not in said[name]
    }


def doors(found: Mapping[str, Candidate]) -> Iterator[str]:
    """Return where the containers of candidates are asked what they speak."""
    return (door for each in found.values() for door in each.doors)


def _at_one_port(service: Service, listens: Iterable[Listener]) -> Candidate | None:
    its = [each for each in listens if each.service == service.name]
    ports = {each.ports for each in its}
    if len(ports) != 1 or any(each.udp for each in its):
        return None
    (those,) = ports
    if len(those) != 1 or those[0] >= _FIXED:
        return None
    return Candidate(service.name, those[0], tuple(f"{each.address}/{those[0]}" for each in its))
