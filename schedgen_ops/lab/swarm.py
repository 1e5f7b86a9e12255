"""A Swarm of the lab's hosts, and the registry that they pull from. What is there already is used as it is."""

from __future__ import annotations

from schedgen_ops.lab import docker, hosts, images
from schedgen_ops.lab.place import LABEL, NETWORK, REGISTRY, REGISTRY_IMAGE, REGISTRY_NAME, LabHost
from schedgen_ops.lab.progress import LabProgress, Line

# More managers than that make a Swarm slower and no safer.
MANAGERS = 3


def ensure(wanted: tuple[LabHost, ...], progress: LabProgress) -> None:
    """Have `wanted` in one Swarm, the application on them stopped, and a registry. Raises LabError."""
    images.ensure_registry(progress)
    with progress.step(f"Making a Swarm of {', '.join(host.name for host in wanted)}") as line:
        _registry(line)
        for host in wanted:
            line(f"{host.name}: stopping its application")
            hosts.state(host.container, "make-room")
        first, *others = wanted
        if not _member(first):
            hosts.state(first.container, "swarm-init")
        for number, host in enumerate(others, start=1):
            line(f"{host.name}: joining")
            if not _member(host):
                _join(first, host, "manager" if number < MANAGERS <= len(wanted) else "worker")


def remove_registry() -> None:
    """Remove the registry and what is in it."""
    docker.succeeds("rm", "--force", "--volumes", REGISTRY)


def _member(host: LabHost) -> bool:
    said = docker.run("exec", host.container, "docker", "info", "--format", "{{.Swarm.LocalNodeState}}")
    return said.strip() == "active"


def _join(first: LabHost, host: LabHost, role: str) -> None:
    token = docker.run("exec", first.container, "docker", "swarm", "join-token", "--quiet", role).strip()
    address = docker.run("exec", first.container, "hostname", "-i").split()[0]
    docker.run("exec", host.container, "docker", "swarm", "join", "--token", token, f"{address}:2377")


def _registry(line: Line) -> None:
    line("starting the registry")
    if not docker.succeeds("container", "inspect", REGISTRY):
        docker.run(
            "create", f"--name={REGISTRY}", f"--label={LABEL}", f"--network={NETWORK}",
            f"--network-alias={REGISTRY_NAME}", "--restart=unless-stopped", REGISTRY_IMAGE,
        )  # fmt: skip
    docker.run("start", REGISTRY)
