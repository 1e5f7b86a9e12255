"""Hosts: containers that are created, booted and removed. The product sees them through SSH only."""

from __future__ import annotations

from schedgen_ops.lab import docker, keys
from schedgen_ops.lab.place import (
    GOLDEN,
    HOST_IMAGE,
    LABEL,
    NETWORK,
    ORIGIN,
    PREFIX,
    SITE_PORTS,
    LabError,
    LabHost,
    Place,
    listens,
)
from schedgen_ops.lab.progress import Line

STATE = "lab-state"
KEYS = "schedgen.lab.keys"
CONTENT = "schedgen.lab.content"
COPIER = "-copy"
HEALTHY_WITHIN = 120
UNCONFINED = (
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
    "--security-opt=systempaths=unconfined",
)
NEARLY_ALL = ("--cap-add=ALL", "--cap-drop=SYS_RESOURCE", *UNCONFINED)
"""Where --privileged is refused because the machine itself lacks CAP_SYS_RESOURCE."""


def capabilities(place: Place) -> tuple[str, ...]:
    """Return the options that let an engine run inside a container here: tried once, then remembered."""
    if not place.capabilities.exists():
        works = docker.succeeds(
            "run", "--rm", "--label", LABEL, "--privileged", "--entrypoint=true", HOST_IMAGE
        )
        place.capabilities.write_text("privileged" if works else "nearly-all")
    return ("--privileged",) if place.capabilities.read_text() == "privileged" else NEARLY_ALL


def ensure_network() -> None:
    """Have the network that the hosts share."""
    if not docker.succeeds("network", "inspect", NETWORK):
        docker.run("network", "create", "--label", LABEL, NETWORK)


def create(place: Place, container: str, volume: str, options: tuple[str, ...]) -> None:
    """Make a host's container, not started, and its volume."""
    ensure_volume(volume)
    docker.run(
        "create", f"--name={container}", f"--network={NETWORK}", f"--label={LABEL}", *capabilities(place),
        "--restart=unless-stopped", "--stop-timeout=60", f"--volume={volume}:/data",
        f"--volume={ORIGIN}:/srv/git:ro", *options, HOST_IMAGE,
    )  # fmt: skip


def ensure_volume(name: str, *labels: str) -> None:
    """Have a volume of the lab."""
    marked = [f"--label={label}" for label in (LABEL, *labels)]
    docker.run("volume", "create", *marked, name)


def boot(place: Place, host: LabHost, content: str, line: Line) -> None:
    """Have the host up and healthy: made from the golden volume where it is not there yet.

    `content` names what the golden volume was made of; a host made of something else is made anew.
    """
    marks = docker.labels("container", host.container)
    if marks.get(CONTENT) != content:
        rebuild(place, host, content, line)
        return
    if marks.get(KEYS) != keys.fingerprint(place, host):
        docker.run("rm", "--force", host.container)
        _create(place, host, content)
    if not is_running(host):
        docker.run("start", host.container)
    wait(host, line)


def rebuild(place: Place, host: LabHost, content: str, line: Line) -> None:
    """Make the host anew from a copy of the golden volume."""
    line(f"{host.name}: copying the golden volume")
    remove(host)
    ensure_volume(host.container)
    copy_volume(place, GOLDEN, host.container)
    # Made after the copy is complete: where there is a container, there is a whole volume.
    _create(place, host, content)
    line(f"{host.name}: booting")
    docker.run("start", host.container)
    wait(host, line)


def wait(host: LabHost, line: Line) -> None:
    """Block until all services of the host are healthy. Raises LabError."""
    line(f"{host.name}: waiting for its services")
    state(host.container, "engine", "60")
    state(host.container, "healthy", str(HEALTHY_WITHIN))


def state(container: str, *verb: str, timeout: float = 300.0) -> str:
    """Run a verb of the host's own lab-state script."""
    return docker.run("exec", container, STATE, *verb, timeout=timeout)


def is_running(host: LabHost) -> bool:
    """Return whether the host's container runs."""
    return host in running((host,))


def running(hosts: tuple[LabHost, ...]) -> tuple[LabHost, ...]:
    """Return those of `hosts` whose containers run."""
    names = docker.run("ps", f"--filter=label={LABEL}", "--format={{.Names}}").split()
    return tuple(host for host in hosts if host.container in names)


def existing() -> tuple[LabHost, ...]:
    """Return all hosts of the lab, running or not, in order."""
    names = docker.run("ps", "--all", f"--filter=label={LABEL}", "--format={{.Names}}").split()
    prefix = f"{PREFIX}-app"
    numbers = (name.removeprefix(prefix) for name in names if name.startswith(prefix))
    return tuple(LabHost(number) for number in sorted(int(text) for text in numbers if text.isdecimal()))


def remove(host: LabHost) -> None:
    """Remove the host and its volume, if they are there."""
    for container in (host.container, f"{host.container}{COPIER}"):
        docker.succeeds("rm", "--force", "--volumes", container)
    docker.run("volume", "rm", "--force", host.container)


def copy_volume(place: Place, source: str, target: str) -> None:
    """Copy all of one volume into another: overlay2 needs trusted attributes and device nodes kept."""
    docker.run(
        "run", "--rm", f"--name={target}{COPIER}", f"--label={LABEL}", *capabilities(place),
        f"--volume={source}:/from:ro", f"--volume={target}:/to", "--entrypoint=cp", HOST_IMAGE,
        "-a", "/from/.", "/to/",
    )  # fmt: skip


def _create(place: Place, host: LabHost, content: str) -> None:
    if taken := [port for port in SITE_PORTS if listens(host.address, port)]:
        raise LabError(
            f"Another program listens on {host.address}, port {', '.join(map(str, taken))}",
            hint="Stop it, or let it listen on 127.0.0.1 only, then try again.",
        )
    ports = ((place.ssh_port, 22), *((port, port) for port in SITE_PORTS))
    published = [f"--publish={host.address}:{outside}:{inside}" for outside, inside in ports]
    marks = (f"--label={KEYS}={keys.fingerprint(place, host)}", f"--label={CONTENT}={content}")
    create(place, host.container, host.container, (f"--hostname={host.name}", *published, *marks))
    docker.copy_in(keys.folder_of(place, host), host.container, "/etc/ssh/keys")
