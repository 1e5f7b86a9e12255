"""A Swarm of the lab's hosts, and the registry that they pull from; what is there is used as it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from schedgen_ops.lab import docker, hosts, images
from schedgen_ops.lab.place import LABEL, NETWORK, REGISTRY, REGISTRY_IMAGE, REGISTRY_NAME, LabHost
from schedgen_ops.lab.progress import LabProgress, Line

# More managers than that make a Swarm slower and no safer.
MANAGERS = 3
READY_WITHIN = 60


def ensure(wanted: tuple[LabHost, ...], progress: LabProgress) -> None:
    """Have `wanted` in one Swarm, the application on them stopped, and a registry. Raises LabError."""
    images.ensure_registry(progress)
    with progress.step(f"Making a Swarm of {', '.join(host.name for host in wanted)}") as line:
        _registry(line)
        for host in wanted:
            line(f"{host.name}: stopping its application")
            hosts.state(host.container, "make-room")
        first, *others = wanted
        if not _nodes(first):
            hosts.state(first.container, "swarm-leave")
            hosts.state(first.container, "swarm-init")
        for number, host in enumerate(others, start=1):
            line(f"{host.name}: joining")
            if _id(host) not in _nodes(first):
                # It may be in one that is gone.
                hosts.state(host.container, "swarm-leave")
                _join(first, host, "manager" if number < MANAGERS <= len(wanted) else "worker")
        for host in wanted:
            line(f"waiting for {host.name}")
            hosts.state(first.container, "swarm-ready", _id(host), str(READY_WITHIN))


def clear(nodes: tuple[LabHost, ...]) -> None:
    """Have nothing in the Swarm of `nodes`, of which the first is a manager, and nothing on them but what is
    golden. Raises LabError."""
    hosts.state(nodes[0].container, "swarm-clear", timeout=90)
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        for done in [pool.submit(hosts.state, node.container, "empty-node", timeout=120) for node in nodes]:
            done.result()


def remove_registry() -> None:
    """Remove the registry and what is in it."""
    docker.succeeds("rm", "--force", "--volumes", REGISTRY)


def _nodes(host: LabHost) -> tuple[str, ...]:
    """The ids of all nodes; none where the host manages no Swarm, or one that has no quorum."""
    words = ("exec", host.container, "timeout", "10", "docker", "node", "ls", "--quiet")
    return tuple(docker.run(*words).split()) if docker.succeeds(*words) else ()


def _id(host: LabHost) -> str:
    """The id that the host has in its Swarm; "-" for none."""
    format_ = "{{with .Swarm.NodeID}}{{.}}{{else}}-{{end}}"
    return docker.run("exec", host.container, "docker", "info", "--format", format_).strip()


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
