"""What a resolved compose file says of its services, whichever Compose resolved it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any


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
        replicas: how many containers of it there are.
        definition: Compose's hash of all it says.
        single: why its place in the network can only be taken once, "" if it can be taken twice.
        image_of: the service whose build makes its image, where that is another one; "" for none.
        needs_text: what it depends on, as JSON, where its own text names a service that is not there.
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
    single: str = ""
    image_of: str = ""
    needs_text: str = ""

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
    """Compose's hash of each service, as `config --hash` prints them."""
    return dict(line.split(maxsplit=1) for line in text.split("\n") if line)


def parse_services(document: Mapping[str, Any], hashes: Mapping[str, str]) -> tuple[Service, ...]:
    """The services of a resolved compose document, in the order of their names."""
    found = tuple(
        _service(name, body or {}, document, hashes.get(name, ""))
        for name, body in sorted((document.get("services") or {}).items())
    )
    builders = {_full(each.image): each for each in reversed(found) if each.built and each.image}
    return tuple(_sharing(each, builders.get(_full(each.image))) for each in found)


def _sharing(service: Service, builder: Service | None) -> Service:
    """A service with the image of another one's build is built from the same folder."""
    if service.built or builder is None:
        return service
    return replace(service, context=builder.context, image_of=builder.name)


def _full(image: str) -> str:
    """An image's name with its tag."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def _service(name: str, body: Mapping[str, Any], document: Mapping[str, Any], definition: str) -> Service:
    written = body.get("depends_on") or {}
    # Optional ones may be left out by their profile; Compose reads its own words for that as a mistake.
    there = document.get("services") or {}
    needs = {each: how for each, how in written.items() if each in there or _required(how)}
    ports = tuple(map(_port, body.get("ports") or ()))
    single = tuple(dict.fromkeys(port for port in ports if port))
    # One port can lead to one place; on several addresses it is still one.
    targets = {port.published: port.target for port in single}
    odd = not all(ports) or any(targets[port.published] != port.target for port in single)
    return Service(
        name=name,
        image=body.get("image") or "",
        context=(body.get("build") or {}).get("context") or "",
        mounts=_mounts(body, document),
        ports=single,
        replicas=_replicas(body),
        definition=definition,
        odd_ports=odd,
        volumes=tuple(_volumes(body)),
        fixed_name=bool(body.get("container_name")),
        needs=tuple(sorted(needs)),
        restarts_with=tuple(sorted(each for each, how in needs.items() if _restarts(how))),
        needs_text="" if needs == written else json.dumps(needs, sort_keys=True),
        networks=tuple(sorted(body.get("networks") or {})) or ("default",),
        single=_single(body),
    )


def _required(how: Any) -> bool:
    return not isinstance(how, Mapping) or how.get("required") is not False


def _restarts(how: Any) -> bool:
    return isinstance(how, Mapping) and how.get("restart") is True


def _replicas(body: Mapping[str, Any]) -> int:
    told = (body.get("deploy") or {}).get("replicas")
    told = body.get("scale") if told is None else told
    return 1 if told is None else int(told)


def _port(entry: Mapping[str, Any]) -> Port | None:
    published = str(entry.get("published") or "")
    # 0 leaves the choice to Docker.
    if not published.isdecimal() or int(published) == 0 or (entry.get("protocol") or "tcp") != "tcp":
        return None
    return Port(int(published), int(entry["target"]), entry.get("host_ip") or "")


def _volumes(body: Mapping[str, Any]) -> Iterator[str]:
    for volume in body.get("volumes") or ():
        if volume.get("type") == "volume":
            # Without a name, Docker makes one for each container.
            yield volume.get("source") or volume.get("target") or ""


def _single(body: Mapping[str, Any]) -> str:
    mode = body.get("network_mode") or ""
    if mode == "host":
        return "it is on the host's own network"
    if mode.startswith(("service:", "container:")):
        return "it is on the network of another container"
    networks = [network or {} for network in (body.get("networks") or {}).values()]
    if any(network.get(key) for network in networks for key in ("ipv4_address", "ipv6_address")):
        return "it has a fixed address"
    if body.get("mac_address") or any(network.get("mac_address") for network in networks):
        return "it has a fixed hardware address"
    return ""


def _mounts(body: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, ...]:
    volumes = body.get("volumes") or ()
    binds = [volume["source"] for volume in volumes if volume.get("type") == "bind" and volume.get("source")]
    for kind in ("configs", "secrets"):
        known = document.get(kind) or {}
        for use in body.get(kind) or ():
            file = (known.get(use.get("source") or "") or {}).get("file")
            if file:
                binds.append(file)
    return tuple(sorted(set(binds)))
