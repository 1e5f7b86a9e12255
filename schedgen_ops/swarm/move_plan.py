"""What moving a project from Compose to a Swarm takes, and what speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.image_names import server_of
from schedgen_ops.commands.moving import Surveyed
from schedgen_ops.commands.registry import Held
from schedgen_ops.commands.swarm import Node, Seen
from schedgen_ops.orchestrators.swarm import volumes
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.settings import Settings

_ANSWERS = {"there": "answers", "missing": "answers", "shut": "answers, and asks for a password"}
RECOVER = "`inv deploy.recover` puts it right, and Compose serves again."


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a service, and the hosts that have it, each with how large it is there."""

    service: str
    name: str
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What a move takes.

    Attributes:
        registry: what the registry of the images answers each host, in words.
        services: whether a stack can be told of each service of the compose file, in words.
        volumes: what ties services to nodes.
        ports: each published port, and the hosts where Compose has it.
        stops: the services that Compose runs, by host.
        stateful: those that hold data: they end before the Swarm's begin.
        gates: the nodes that publish ports, in words.
        saved: what is backed up before, in words.
        problems: what speaks against it, or is to be known before.
    """

    nodes: tuple[Node, ...] = ()
    registry: tuple[tuple[str, str], ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    volumes: tuple[Volume, ...] = ()
    ports: tuple[tuple[int, tuple[str, ...]], ...] = ()
    stops: Mapping[str, tuple[str, ...]] | None = None
    stateful: tuple[str, ...] = ()
    gates: str = ""
    saved: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """What a move is refused for."""
        return tuple(each for each in self.problems if each.refuses)

    @property
    def gap(self) -> tuple[str, ...]:
        """What an operator has to know before it begins: who is away, and for what."""
        stopped = sorted({name for names in (self.stops or {}).values() for name in names})
        ports = ", ".join(str(port) for port, _ in self.ports)
        doors = f"port {ports} answers nobody" if ports else "nothing answers"
        state = ", ".join(self.stateful)
        return (
            f"WARNING: there is a gap: {doors} from when Compose's containers end until the Swarm's are well",
            f"Stopped on {', '.join(self.stops or ())}: {', '.join(stopped)}",
            *((f"They hold data, end first and are started where it is: {state}",) if state else ()),
            f"Before that: {self.saved}; images are built, pushed and pulled while Compose serves",
            "Where it fails, the stack is removed and Compose's containers are started again",
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What was found before a move.

    Attributes:
        seen: what the first host says of the Swarm.
        surveys: what each host has, by its name.
        held: what the registry answered each host, by its name.
        silent: why hosts could not be asked, by their names.
        document: the compose file to come, resolved.
        services: the same, read.
        unfit: what of it a Swarm cannot run.
    """

    settings: Settings
    seen: Seen
    surveys: Mapping[str, Surveyed]
    held: Mapping[str, Held]
    silent: Mapping[str, str]
    document: Mapping[str, Any]
    services: Sequence[Service]
    unfit: tuple[Problem, ...] = ()


def planned(found: Found) -> MovePlan:
    """Return what a move takes, and all that speaks against it."""
    tied = tuple(_volumes(found))
    ports = tuple(sorted({port.published for each in found.services for port in each.ports}))
    stops = {host: each.runs for host, each in found.surveys.items() if each.runs}
    having = {
        port: tuple(host for host, each in found.surveys.items() if port in each.ports) for port in ports
    }
    named = tuple(dict.fromkeys(each.service for each in tied))
    stores = found.settings.stores
    # What is half moved says nothing of what a move takes.
    problems = tuple(_interrupted(found)) or (
        *_swarm(found),
        *_compose(found),
        *found.unfit,
        *_registry(found),
        *_placed(found, tied),
        *_doors(found, ports),
    )
    return MovePlan(
        nodes=found.seen.nodes,
        registry=tuple((host, _ANSWERS.get(held.state, held.said)) for host, held in found.held.items()),
        services=tuple(_services(found)),
        volumes=tied,
        ports=tuple(having.items()),
        stops=stops,
        stateful=named,
        gates=", ".join(found.settings.swarm.ingress_on) or "every node",
        saved=f"a backup of {' and '.join(stores)}"
        if stores
        else "no backup, as there is no data to back up",
        problems=problems,
    )


def _services(found: Found) -> Iterator[tuple[str, str]]:
    for each in found.services:
        start = f"services.{each.name}."
        bad = [one.text.removeprefix(start) for one in found.unfit if one.text.startswith(start)]
        yield each.name, "; ".join(bad) or "yes"


def _interrupted(found: Found) -> Iterator[Problem]:
    for host, each in found.surveys.items():
        if each.moved:
            yield Problem(f"{host}: the move {each.moved} was interrupted, and has not ended", RECOVER)


def _swarm(found: Found) -> Iterator[Problem]:
    for host, why in found.silent.items():
        yield Problem(f"{host} cannot be asked what it has: {why}")
    by_id = {node.id: node for node in found.seen.nodes}
    for host, each in found.surveys.items():
        node = by_id.get(each.node)
        if node is None:
            yield Problem(
                f"{host} is no node of the Swarm", "`docker swarm join` there, as the first host says."
            )
        elif not node.good:
            yield Problem(f"the node {node.name} is {(node.manager or node.status).lower()}")
        elif node.availability != "Active":
            text = f"the node {node.name} is {node.availability.lower()}"
            hint = f"`inv hosts.undrain {node.name}` gives it work again."
            yield Problem(text, hint, refuses=bool(each.boxes))
    managers = [node for node in found.seen.nodes if node.manager]
    if len(managers) == 2:
        text = "there are two managers: when one is lost, nobody can change anything"
        yield Problem(text, "Have one, three or five.", refuses=False)
    if found.seen.services:
        names = ", ".join(each.service for each in found.seen.services)
        yield Problem(f"the Swarm has services of the project already: {names}", "`inv status` shows them.")


def _compose(found: Found) -> Iterator[Problem]:
    for host, each in found.surveys.items():
        if each.boxes and not each.writable:
            text = f"{host}: {found.settings.directory} is not there, or may not be written to"
            yield Problem(text, "A move keeps there what it has stopped.")
    if found.surveys and not any(each.runs for each in found.surveys.values()):
        text = f"Compose runs nothing of {found.settings.project} on these hosts"
        yield Problem(text, "`inv deploy` deploys to the Swarm.")


def _registry(found: Found) -> Iterator[Problem]:
    first = found.settings.hosts[0].name
    parts = {each.server: part for part, each in found.settings.registries.items()}
    for host, held in found.held.items():
        part = parts.get(server_of(held.image))
        text = f"{host}: the registry {found.settings.swarm.registry}"
        if held.state == "silent":
            yield Problem(f"{text} does not answer: {held.said}")
        elif held.state == "unknown":
            yield Problem(f"{text} cannot be asked: {held.said}", refuses=False, unknown=True)
        elif held.state == "shut" and part:
            yield Problem(f"{text} refuses who signs in: {held.said}", f"See `{part}`.")
        elif held.state == "shut" and host == first:
            yield Problem(f"{text} asks for a password", "`docker login` there, or `release.registry`.")
        elif held.state == "shut":
            more = "it is not signed in, and gets images with its services' credentials, in the gap"
            yield Problem(f"{text} asks for a password: {more}", refuses=False)


def _volumes(found: Found) -> Iterator[Volume]:
    for service, names in volumes.tied(found.document, found.services).items():
        for name in names:
            places = (
                (host, each.volumes[name]) for host, each in found.surveys.items() if name in each.volumes
            )
            yield Volume(service, name, tuple(places))


def _placed(found: Found, tied: Sequence[Volume]) -> Iterator[Problem]:
    for service in dict.fromkeys(each.service for each in tied):
        mine = [each for each in tied if each.service == service]
        hosts = sorted({host for each in mine for host, _ in each.places})
        names = ", ".join(each.name for each in mine)
        if len(hosts) > 1:
            text = f"{service}: its data is on several hosts, and a Swarm runs it on one: {names} on"
            hint = "Merge it on one of them, and remove the others (`docker volume rm`)."
            yield Problem(f"{text} {', '.join(hosts)}", hint)
        elif len(found.surveys) < len(found.seen.nodes) and not hosts:
            text = f"{service}: where {names} is, is not known: not every node of the Swarm was asked"
            yield Problem(text, "Name all nodes in `hosts` of the config.")
        elif hosts and (wanted := _elsewhere(found, service, hosts[0])):
            text = f"{service} is to run on {wanted}, and its data is on {hosts[0]}: {names}"
            yield Problem(text, "Take that placement from the compose file, or move the data before.")


def _elsewhere(found: Found, service: str, host: str) -> str:
    """Where a service's owner wants it to run; "" where that goes with its data being on a host."""
    node = found.seen.node(found.surveys[host].node)
    here = {"node.id": node.id, "node.hostname": node.name} if node else {}
    deploy = found.document["services"][service].get("deploy") or {}
    for said in (deploy.get("placement") or {}).get("constraints") or ():
        for sign in ("==", "!="):
            key, is_there, value = (part.strip() for part in str(said).partition(sign))
            if is_there and key in here and (here[key] == value) != (sign == "=="):
                return value if sign == "==" else f"another node than {value}"
    return ""


def _doors(found: Found, ports: Iterable[int]) -> Iterator[Problem]:
    for port in ports:
        for host, each in found.surveys.items():
            if port in each.busy and port not in each.ports:
                text = f"{host}: port {port} is somebody else's, and the ingress is to have it on every node"
                refuses = not found.settings.swarm.ingress_on
                yield Problem(text, "Free it, or choose nodes by `swarm.ingress_on`.", refuses=refuses)
