"""What a resolved compose file says of its services, whichever Compose resolved it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from schedgen_ops.commands import mounts
from schedgen_ops.commands import service_body as says
from schedgen_ops.commands.docker import ENDED, VOLUMES
from schedgen_ops.commands.image_names import full
from schedgen_ops.commands.mounts import Mount
from schedgen_ops.commands.stores import holds

UNREAD = "!"
"""Why Compose does not read a definition again, beside the hashes; see lib/given.bash."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a service that the host publishes: `published` on `address` ("" is all) leads to `target`."""

    published: int
    target: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """What a compose file says of one service, as far as a deploy needs it.

    Attributes:
        image: the image's name, "" where only `build` is given.
        context: the folder its image is built from, "" for a service that is not built.
        mounts: absolute paths of the host that it sees: bind mounts, configs, secrets.
        ports: the TCP ports it publishes on the host.
        odd_ports: whether it publishes something that is no single TCP port.
        volumes: the volumes it writes to: their names, and for those without one where they are mounted.
        fixed_name: whether it has a container_name, so that there can only be one.
        needs: the services that it depends on.
        restarts_with: those of them with which it is to be restarted.
        networks: the networks it is in.
        ipv6: whether one of them has IPv6.
        replicas: how many containers of it there are.
        definition: Compose's hash of all it says.
        single: why its place can only be taken once, "" if it can be taken twice.
        image_of: the service whose build makes its image, where that is another one; "" for none.
        needs_text: what it depends on, as JSON, where its own text names a service that is not there.
        ends: whether it is a job: another service waits until it has ended well.
        may_end: whether it may be a job: nothing starts it again when it has ended, and nobody reaches it.
        counted: whether the file says how many containers of it there are.
        covered: where in it something is mounted.
        own: where each container of it has a volume of its own: anonymous ones, and those that its image
            declares and nothing covers; the latter are known once the image is, see `rollout.state`.
        binds: the paths of the host that it sees and may write to.
        writes: those of them that hold data and not the project's own files, see `rollout.state`.
        uses: the services of whose container it uses the network or the like, and what that is.
        keeps: what the config says that it is, of what holds data; "" for nothing.
        picked: whether a release picks the tag of its image, which was built before.
        checked: whether it has a healthcheck; None where that is up to its image.
        exposed: the TCP ports that it says it listens on, besides those that the host publishes.
        aliases: further names of it, each with the network where it has that.
        called: the port where others call it by its name, by way of the ingress; 0 for none.
        sees: its mounts, as the compose file says them.
        given: a hash of what its configs and secrets say that are no files.
        provided: whether it is no container: a program of Compose's provides it.
        label_file: whether it names files of labels, which Compose has read, and would read again each time.
    """

    name: str
    image: str
    context: str
    mounts: tuple[str, ...]
    ports: tuple[Port, ...]
    replicas: int
    definition: str
    odd_ports: bool = False
    volumes: tuple[str, ...] = ()
    fixed_name: bool = False
    needs: tuple[str, ...] = ()
    restarts_with: tuple[str, ...] = ()
    networks: tuple[str, ...] = ("default",)
    ipv6: bool = False
    single: str = ""
    image_of: str = ""
    needs_text: str = ""
    ends: bool = False
    may_end: bool = False
    counted: bool = True
    covered: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    uses: tuple[tuple[str, str], ...] = ()
    keeps: str = ""
    picked: bool = False
    checked: bool | None = None
    exposed: tuple[int, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    called: int = 0
    sees: tuple[Mount, ...] = ()
    given: str = ""
    provided: bool = False
    label_file: bool = False

    @property
    def alone(self) -> str:
        """Why two of it can never be there at once, whatever a config says; "" if they can."""
        if self.fixed_name:
            return "it has a container_name"
        if self.own and not self.single:
            return f"each container of it has a volume of its own at {', '.join(self.own)}"
        return self.single

    @property
    def once(self) -> str:
        """Why there should be only one of it at a time, as far as that can be said; "" for no such reason."""
        writes = f"it may write to {', '.join(self.writes)}" if self.writes else ""
        store = "" if self.ours else holds(self.image)
        return self.alone or self.keeps or writes or (f"{store} holds data" if store else "")

    @property
    def listens(self) -> tuple[int, ...]:
        """The TCP ports at which its containers are said to listen."""
        return tuple(sorted({*self.exposed, *(port.target for port in self.ports)}))

    @property
    def ours(self) -> bool:
        """Whether its image is the project's own: built from its files, here or before."""
        return self.built or self.picked

    @property
    def built(self) -> bool:
        """Whether its image is built from the project's files."""
        return bool(self.context)


def parse_resolved(stdout: str) -> tuple[Service, ...]:
    """Reads the answer of `Compose.resolve`. Environments, which hold secrets, are dropped here.

    Raises:
        ValueError: for anything else.
    """
    hashes, _, document = stdout.partition("--\n")
    return parse_services(json.loads(document), parse_hashes(hashes))


def parse_hashes(text: str) -> dict[str, str]:
    """Compose's hash of each service, as `config --hash` prints them, and those that lib/given.bash adds."""
    return dict(line.split(maxsplit=1) for line in text.split("\n") if line)


def parse_services(document: Mapping[str, Any], hashes: Mapping[str, str]) -> tuple[Service, ...]:
    """The services of a resolved compose document, in the order of their names."""
    ending = awaited(document)
    bodies = sorted((document.get("services") or {}).items())
    found = tuple(_service(name, body or {}, document, hashes) for name, body in bodies)
    # Nobody waits for what is to have no container.
    found = tuple(replace(each, ends=each.name in ending and each.replicas > 0) for each in found)
    found = tuple(_shared(each, found) for each in found)
    builders = {full(each.image): each for each in reversed(found) if each.built and each.image}
    return tuple(_sharing(each, builders.get(full(each.image))) for each in found)


def _shared(service: Service, services: Sequence[Service]) -> Service:
    """A service with what it shares: who uses it keeps it single, and it writes to volumes that it uses."""
    used = [(each.name, what) for each in services for name, what in each.uses if name == service.name]
    why = f"{used[0][0]} uses its {used[0][1]}" if used else ""
    lent = [each for each in services if (each.name, VOLUMES) in service.uses]
    theirs = (volume for each in lent for volume in (*each.volumes, *each.binds))
    return replace(service, single=service.single or why, volumes=(*service.volumes, *theirs))


def awaited(document: Mapping[str, Any]) -> frozenset[str]:
    """The services of a resolved compose document that another one waits for until they have ended well."""
    bodies = (document.get("services") or {}).values()
    needs = (need for body in bodies for need in ((body or {}).get("depends_on") or {}).items())
    return frozenset(
        name for name, how in needs if isinstance(how, Mapping) and how.get("condition") == ENDED
    )


def _sharing(service: Service, builder: Service | None) -> Service:
    """A service with the image of another one's build is built from the same folder."""
    if service.built or builder is None:
        return service
    return replace(service, context=builder.context, image_of=builder.name)


def _service(
    name: str, body: Mapping[str, Any], document: Mapping[str, Any], hashes: Mapping[str, str]
) -> Service:
    written = body.get("depends_on") or {}
    # Optional ones may be left out by their profile; Compose reads its own words for that as a mistake.
    there = document.get("services") or {}
    needs = {each: how for each, how in written.items() if each in there or _required(how)}
    joined = () if body.get("network_mode") else ("default",)
    networks, known = tuple(sorted(body.get("networks") or {})) or joined, document.get("networks") or {}
    ports = tuple(map(_port, body.get("ports") or ()))
    single = tuple(dict.fromkeys(port for port in ports if port))
    # One port can lead to one place; on several addresses it is still one.
    targets = {port.published: port.target for port in single}
    uses = tuple(each for each in says.uses(body) if each[0] in there)
    odd = not all(ports) or any(targets[port.published] != port.target for port in single)
    return Service(
        name=name,
        image=body.get("image") or "",
        context=(body.get("build") or {}).get("context") or "",
        mounts=says.mounts(body, document),
        ports=single,
        replicas=_replicas(body),
        definition=hashes.get(name, ""),
        odd_ports=odd,
        volumes=(*says.volumes(body), *says.lent(body)),
        fixed_name=bool(body.get("container_name")),
        needs=tuple(sorted({*needs, *(each for each, _ in uses)})),
        restarts_with=tuple(sorted(each for each, how in needs.items() if _restarts(how))),
        needs_text="" if needs == written else json.dumps(needs, sort_keys=True),
        networks=networks,
        ipv6=any((known.get(name) or {}).get("enable_ipv6") for name in networks),
        may_end=says.may_end(body),
        single=says.single(body),
        counted=_told_replicas(body) is not None,
        covered=tuple(says.covered(body)),
        own=tuple(says.anonymous(body)),
        binds=tuple(says.binds(body)),
        uses=uses,
        checked=says.checked(body.get("healthcheck") or {}),
        exposed=tuple(says.exposed(body)),
        aliases=tuple(says.aliases(body)),
        sees=tuple(mounts.seen(body, document)),
        given=says.given(body, document, hashes),
        provided=bool(body.get("provider")),
        label_file=bool(body.get("label_file")),
    )


def _required(how: Any) -> bool:
    return not isinstance(how, Mapping) or how.get("required") is not False


def _restarts(how: Any) -> bool:
    return isinstance(how, Mapping) and how.get("restart") is True


def _replicas(body: Mapping[str, Any]) -> int:
    told = _told_replicas(body)
    return 1 if told is None else int(told)


def _told_replicas(body: Mapping[str, Any]) -> Any:
    told = (body.get("deploy") or {}).get("replicas")
    return body.get("scale") if told is None else told


def _port(entry: Mapping[str, Any]) -> Port | None:
    published = str(entry.get("published") or "")
    # 0 leaves the choice to Docker.
    if not published.isdecimal() or int(published) == 0 or (entry.get("protocol") or "tcp") != "tcp":
        return None
    return Port(int(published), int(entry["target"]), entry.get("host_ip") or "")
