"""What one service of a resolved compose file says of the host and of other services. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from schedgen_ops.commands.docker import VOLUMES

_ADDRESSES = ("ipv4_address", "ipv6_address", "link_local_ips")
_NAMESPACES = {"network_mode": "network", "ipc": "IPC", "pid": "processes"}
# Devices that any number of containers may open at once.
_SHARED = "dri fuse kfd kvm log net/tun null nvidia random shm urandom zero"
_ANYBODYS = tuple(f"/dev/{name}" for name in _SHARED.split())


def volumes(body: Mapping[str, Any]) -> Iterator[str]:
    """Return the volumes that a service writes to: names, or where they are mounted if they have none."""
    for volume in body.get("volumes") or ():
        if volume.get("type") == "volume":
            # Without a name, Docker makes one for each container.
            yield volume.get("source") or volume.get("target") or ""


def anonymous(body: Mapping[str, Any]) -> Iterator[str]:
    """Return where each of its containers has a volume of its own."""
    for volume in body.get("volumes") or ():
        if volume.get("type") == "volume" and not volume.get("source") and volume.get("target"):
            yield volume["target"]


def covered(body: Mapping[str, Any]) -> Iterator[str]:
    """Return where in it something is mounted."""
    for volume in body.get("volumes") or ():
        yield volume.get("target") or ""
    for entry in body.get("tmpfs") or ():
        yield str(entry).partition(":")[0]


def bound(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Return those of its volumes that are paths of the host."""
    for volume in body.get("volumes") or ():
        if volume.get("type") == "bind" and volume.get("source"):
            yield volume


def binds(body: Mapping[str, Any]) -> Iterator[str]:
    """Return the paths of the host that it sees and may write to."""
    for volume in bound(body):
        if not volume.get("read_only"):
            yield volume["source"]


def mounts(body: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of the host that it sees: bind mounts, configs, secrets."""
    files = (file for _, _, _, file in given_files(body, document))
    return tuple(sorted({*(volume["source"] for volume in bound(body)), *files}))


def given_files(body: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Return its configs and secrets that are files of the host: kind, name, target and path."""
    for kind in ("configs", "secrets"):
        known = document.get(kind) or {}
        for use in body.get(kind) or ():
            name = use.get("source") or ""
            if file := (known.get(name) or {}).get("file"):
                yield kind, name, use.get("target") or "", file


def given(body: Mapping[str, Any], document: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return a hash of what its configs and secrets say that are no files; "" where there are none.

    Args:
        hashes: with those of variables that are one, each as `$NAME`; Compose's own know neither.
    """
    said = []
    for kind in ("configs", "secrets"):
        known = document.get(kind) or {}
        for use in body.get(kind) or ():
            what = known.get(use.get("source") or "") or {}
            if "content" in what or "environment" in what:
                variable = what.get("environment") or ""
                said.append((kind, use.get("source"), what.get("content"), hashes.get(f"${variable}")))
    return sha256(repr(said).encode()).hexdigest() if said else ""


def lent(body: Mapping[str, Any]) -> Iterator[str]:
    """Return the containers of nobody's services whose volumes it may write to."""
    for entry in body.get("volumes_from") or ():
        kind, _, name = str(entry).partition(":")
        if kind == "container" and not name.endswith(":ro"):
            yield str(entry)


def uses(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the services of whose container it uses the network or the like, and what that is."""
    for key, what in _NAMESPACES.items():
        kind, _, name = str(body.get(key) or "").partition(":")
        if kind == "service":
            yield name, what
    for entry in body.get("volumes_from") or ():
        name, _, _ = str(entry).partition(":")
        if name != "container":
            yield name, VOLUMES


def single(body: Mapping[str, Any]) -> str:
    """Return why its place can only be taken once; "" if it can be taken twice."""
    if why := _single_by_mode(body.get("network_mode") or "", ports=bool(body.get("ports"))):
        return why
    networks = [network or {} for network in (body.get("networks") or {}).values()]
    if any(network.get(key) for network in networks for key in _ADDRESSES):
        return "it has a fixed address"
    if device := next(_devices(body), ""):
        return f"it has the host's {device}"
    if body.get("mac_address") or any(network.get("mac_address") for network in networks):
        return "it has a fixed hardware address"
    return ""


def _single_by_mode(mode: str, *, ports: bool) -> str:
    if mode == "host":
        return "it is on the host's own network"
    if mode.startswith(("service:", "container:")):
        return "it is on the network of another container"
    if mode not in ("", "none") and ports:
        return "it has ports, and is on no network where an ingress finds it"
    return ""


def _devices(body: Mapping[str, Any]) -> Iterator[str]:
    """Devices of the host that one container has for itself."""
    given = (each.get("source") if isinstance(each, Mapping) else each for each in body.get("devices") or ())
    for path in (*(str(each).partition(":")[0] for each in given), *binds(body)):
        if path.rstrip("/") == "/dev" or (path.startswith("/dev/") and not path.startswith(_ANYBODYS)):
            yield path


def may_end(body: Mapping[str, Any]) -> bool:
    """Whether it may be a job: nothing starts it again when it has ended, and nobody reaches it."""
    wanted = (body.get("deploy") or {}).get("restart_policy") or {}
    again = wanted.get("condition") or body.get("restart")
    check = body.get("healthcheck") or {}
    looked_at = (check and checked(check) is not False) or body.get("ports") or body.get("expose")
    # Where its owner says nothing of that, a command of its own for an image of the project's may be one; a
    # server that somebody stopped has an exit code of 0 as well.
    own = body.get("build") and body.get("command")
    return not looked_at and (again in ("no", "none") or (again is None and bool(own)))


def checked(healthcheck: Mapping[str, Any]) -> bool | None:
    """Whether it has a healthcheck; None where that is up to its image."""
    test = healthcheck.get("test") or ()
    if healthcheck.get("disable") or tuple(test)[:1] == ("NONE",):
        return False
    # Without a test it changes how often its image's is made.
    return True if test else None


def aliases(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return its further names, each with the network where it has that."""
    for network, said in (body.get("networks") or {}).items():
        for alias in (said or {}).get("aliases") or ():
            yield network, alias


def exposed(body: Mapping[str, Any]) -> Iterator[int]:
    """The TCP ports that it says it listens on."""
    for entry in body.get("expose") or ():
        port, _, protocol = str(entry).partition("/")
        first, _, last = port.partition("-")
        if protocol in ("", "tcp") and first.isdecimal():
            yield from range(int(first), int(last if last.isdecimal() else first) + 1)
