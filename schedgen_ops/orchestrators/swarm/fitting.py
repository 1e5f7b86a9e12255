"""What of a resolved compose file a stack cannot express, by name: refused before anything changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands.definition import Service

Body = Mapping[str, Any]

# What a stack says in the same words.
SAME = frozenset(
    [
        "cap_add",
        "cap_drop",
        "command",
        "dns",
        "dns_search",
        "domainname",
        "entrypoint",
        "extra_hosts",
        "hostname",
        "init",
        "labels",
        "logging",
        "read_only",
        "stdin_open",
        "stop_grace_period",
        "stop_signal",
        "sysctls",
        "tmpfs",
        "tty",
        "ulimits",
        "user",
        "working_dir",
    ]
)
# What is said in other words, or done by a deploy itself.
OURS = frozenset(
    [
        "attach",
        "build",
        "configs",
        "cpus",
        "depends_on",
        "deploy",
        "develop",
        "environment",
        "env_file",
        "expose",
        "healthcheck",
        "image",
        "label_file",
        "mem_limit",
        "mem_reservation",
        "networks",
        "ports",
        "profiles",
        "pull_policy",
        "restart",
        "scale",
        "secrets",
        "volumes",
    ]
)
_DEPLOY = frozenset(
    [
        "endpoint_mode",
        "labels",
        "mode",
        "placement",
        "replicas",
        "resources",
        "restart_policy",
        "rollback_config",
        "update_config",
    ]
)
_HINTS = {
    "container_name": "Take it away: a Swarm names containers itself, and there may be several.",
    "build": "",
    "network_mode": "Put it on a network of the file.",
    "devices": "Run it beside the Swarm, by Compose on its host.",
    "privileged": "Run it beside the Swarm, by Compose on its host.",
}
# What a stack says of a mount, and what an engine does by itself or not at all where it is not said.
_MOUNTS = {
    "volume": ("nocopy",),
    "tmpfs": ("size",),
    "bind": ("propagation", "create_host_path", "selinux"),
}
_MODES = ("replicated", "global", "replicated-job")


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that a stack cannot express.

    Attributes:
        place: where the compose file says it: services.api.container_name.
        why: in words.
        hint: what to do about it; "" where that is plain.
    """

    place: str
    why: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


def misfits(document: Mapping[str, Any], services: tuple[Service, ...], directory: str) -> Iterator[Misfit]:
    """Yield what a stack cannot express of a resolved compose file.

    Args:
        services: the same, read.
        directory: the project's, of which other nodes have nothing.
    """
    known = {service.name: service for service in services}
    for name, body in sorted((document.get("services") or {}).items()):
        yield from _of(f"services.{name}", body or {}, known[name], directory)
    for name, network in sorted((document.get("networks") or {}).items()):
        yield from _network(f"networks.{name}", network or {})
    for kind in ("configs", "secrets"):
        for name, content in sorted((document.get(kind) or {}).items()):
            if not (content or {}).get("external") and not (content or {}).get("file"):
                yield Misfit(f"{kind}.{name}", "a Swarm takes it from a file", "Give it `file:`.")


def _of(place: str, body: Body, service: Service, directory: str) -> Iterator[Misfit]:
    for key, value in sorted(body.items()):
        if value and key not in SAME | OURS and not key.startswith("x-"):
            yield Misfit(f"{place}.{key}", "a stack cannot say it", _HINTS.get(key, ""))
    yield from _needs(place, body, service)
    yield from _ports(place, service)
    yield from _volumes(place, body, service, directory)
    yield from _deploy(place, body.get("deploy") or {})
    for network, said in sorted((body.get("networks") or {}).items()):
        for key, value in sorted((said or {}).items()):
            if value and key != "aliases":
                text = "a Swarm gives addresses itself"
                yield Misfit(f"{place}.networks.{network}.{key}", text, "Let others ask it by its name.")


def _needs(place: str, body: Body, service: Service) -> Iterator[Misfit]:
    for name, how in sorted((body.get("depends_on") or {}).items()):
        if isinstance(how, Mapping) and how.get("restart") and name in service.needs:
            text = "on a Swarm nothing restarts with another service"
            yield Misfit(f"{place}.depends_on.{name}.restart", text, "Have it connect again by itself.")


def _ports(place: str, service: Service) -> Iterator[Misfit]:
    if service.odd_ports:
        text = "on a Swarm ports are published by the ingress: single TCP ports, each with a number"
        yield Misfit(f"{place}.ports", text)
    for port in service.ports:
        if port.address:
            text = (
                f"a Swarm publishes {port.published} on every address of a node, not on {port.address} alone"
            )
            yield Misfit(f"{place}.ports", text, "Publish it everywhere, or not at all.")


def _volumes(place: str, body: Body, service: Service, directory: str) -> Iterator[Misfit]:
    for path in service.own:
        text = f"{path} is a volume of each container's own, which is lost where a Swarm moves it"
        yield Misfit(f"{place}.volumes", text, "Give it a name.")
    for volume in body.get("volumes") or ():
        kind, source = volume.get("type"), str(volume.get("source") or "")
        for part, known in _MOUNTS.items():
            for key in sorted({key for key, value in (volume.get(part) or {}).items() if value} - {*known}):
                text = f"a stack cannot say {part}.{key} of the mount at {volume.get('target')}"
                yield Misfit(f"{place}.volumes", text)
        if kind not in ("volume", "bind", "tmpfs"):
            yield Misfit(f"{place}.volumes", f"a stack has no mount of the type {kind}")
        elif kind == "bind" and (source == directory or source.startswith(f"{directory}/")):
            text = f"{source} is in the project's folder, which other nodes do not have"
            yield Misfit(f"{place}.volumes", text, "Make it one of `configs`, or a volume.")
        elif kind == "bind" and not volume.get("read_only") and not source.endswith(".sock"):
            text = f"{source} may be written to, and each node has its own"
            yield Misfit(f"{place}.volumes", text, "Make it a volume, or read_only.")
    many = service.replicas > 1 or (body.get("deploy") or {}).get("mode") == "global"
    if many and any(name for name in service.volumes if name not in service.own):
        text = "several containers with a volume: each node would have another one"
        yield Misfit(f"{place}.deploy", text, "Let there be one.")


def _deploy(place: str, said: Body) -> Iterator[Misfit]:
    for key, value in sorted(said.items()):
        if value and key not in _DEPLOY:
            yield Misfit(f"{place}.deploy.{key}", "a stack cannot say it")
    if said.get("mode") and said["mode"] not in _MODES:
        yield Misfit(f"{place}.deploy.mode", f"{said['mode']} is none that a deploy waits for")
    resources = said.get("resources") or {}
    for kind, key in (("limits", "pids"), ("reservations", "devices")):
        if (resources.get(kind) or {}).get(key):
            yield Misfit(f"{place}.deploy.resources.{kind}.{key}", "a stack cannot say it")


def _network(place: str, network: Body) -> Iterator[Misfit]:
    driver = network.get("driver") or ""
    if driver not in ("", "bridge", "overlay", "default"):
        yield Misfit(f"{place}.driver", f"a network of a Swarm is an overlay, not {driver}")
    if network.get("enable_ipv6"):
        yield Misfit(f"{place}.enable_ipv6", "an overlay network has IPv4 alone")
