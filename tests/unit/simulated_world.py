"""The world of a simulated host: what is on it, what a release changes, and how it behaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from kit import DIRECTORY

from schedgen_ops.commands.docker import (
    DEFINITION_LABEL,
    HASH_LABEL,
    JOBS_LABEL,
    RELEASE_LABEL,
    SERVICE_LABEL,
)

OLD, NEW, NEXT = "a" * 40, "b" * 40, "c" * 40
COMMITS = {"v1.2.2": OLD, "v1.2.3": NEW, "v1.2.4": NEXT}
# How many migrations the code of each commit knows.
SCHEMA = {OLD: 16, NEW: 17, NEXT: 18}
MIGRATIONS = {17: "17-AddPageCount", 18: "18-AddOwner"}
BUILT = ("backend", "frontend", "pdf-worker")
READY = {
    "postgres": "lab/postgres:15",
    "redis": "lab/redis:7",
    "minio": "lab/minio:latest",
    "prometheus": "lab/prometheus:latest",
    "grafana": "lab/prometheus:latest",  # one image for two services, as it may be
}
SERVICES = (*BUILT, *READY)
# What a release changes: these images, this service's definition, and the file that prometheus mounts.
REBUILT = ("backend", "frontend")
REDEFINED = "redis"
# What publishes ports, and what must be there before what.
PORTS = {"backend": 3001, "frontend": 3000}
NEEDS = {"frontend": ("backend",), "backend": ("postgres", "redis"), "pdf-worker": ("redis",)}
INGRESS_IMAGE = "haproxy:lts"
# The file of the repository that prometheus mounts, and where it has it.
RULES, SEEN_AT = "monitoring/prometheus.yml", "/etc/prometheus/prometheus.yml"
STATE = f"{DIRECTORY}/.schedgen"
# What the ingress counted of visitors at both ends of the run comes first: nobody has to wait for it.
COUNTED = "".join(
    f"visitors {when} {'a' * 64} 8 1000 {count} 0 0 0 0\n" for when, count in (("start", 5), ("end", 9))
)
PROBED = COUNTED + "".join(f"{number}00000 0 200 0.010\n" for number in range(1, 20))


class Words(tuple[str, ...]):
    """The words of a command.

    Attributes:
        values: what it is given by name, where it is a host script.
    """

    values: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Box:
    """A container; `tree` is the folder of the project's files that it sees, where it sees any."""

    service: str
    image: str
    written: str
    release: str = ""
    definition: str = ""
    health: str = "healthy"
    mounts: str = ""
    publishes: bool = False
    jobs: str = ""
    ended: bool = False
    tree: str = ""

    @property
    def line(self) -> str:
        """As `docker inspect` prints it in our format."""
        labels = {SERVICE_LABEL: self.service, HASH_LABEL: self.written, "com.docker.compose.oneoff": "False"}
        if self.release:
            labels |= {RELEASE_LABEL: self.release, DEFINITION_LABEL: self.definition}
            labels |= {JOBS_LABEL: self.jobs} if self.jobs else {}
        body = {
            "id": f"id-{self.service}-{self.release or 'own'}",
            "name": f"/schedgen-{self.service}-1",
            "image": self.image,
            "labels": labels,
            "status": "exited" if self.ended else "running",
            "health": self.health,
            "started": "2025-01-15T11:00:00Z",
            "restarts": 0,
            "exit_code": 0,
            "oom": False,
            "image_name": f"schedgen-{self.service}",
        }
        if self.service == "prometheus":
            bind = {"Type": "bind", "Source": f"{self.tree or DIRECTORY}/{RULES}", "Destination": SEEN_AT}
            body["mounts"] = [{**bind, "RW": False}]
        return json.dumps(body)


def image_id(service: str, commit: str) -> str:
    """The id of the image that building `service` at `commit` gives."""
    return f"sha256:{service}-{commit[0] if service in REBUILT else 'x'}"


def written(service: str, commit: str) -> str:
    """Compose's hash of a service's definition at `commit`."""
    return f"{service}-{commit[0] if service == REDEFINED else 'same'}"


def mounted(service: str, commit: str) -> str:
    """The version of the file that a service mounts, as it is when it starts."""
    return commit if service == "prometheus" else ""


@dataclass
class World:
    """All that can change on a host, and how it behaves.

    Attributes:
        tag: that of images, where releases are images.
        sick: services that are not healthy at a commit other than v1.2.2's.
        early: services whose healthcheck passes before the engine has made it.
        job: the frontend waits for a job, init, that no tier names.
        ran: the releases whose job ran, in order; it ends with exit code 3 where it is `bad`.
        dies: what the wait for containers to settle prints.
        status: what every request is answered with.
        migrated: the commits whose migrations were run; `schema` is how many there are in the database.
        standby: containers beside those that serve, newest first: the old ones of a run that is not over.
        aside: the old ones of a run that is over; `stands` says of which release, beside which.
        cut: services of which all but the containers of that release are out of reach.
        pinned: the site needs containers of that service that are out of reach.
        probed: what the prober wrote.
        ingress: the configuration that the ingress runs with; "" while there is none.
        left: the ingress says that the host is taken out of its load balancer.
        stuck: the ingress cannot take the ports over.
        data: which of the databases is the one that serves; `beside` are the others.
        held_by: the lock's owner, if somebody else holds it.
        verdict: what a watchdog comes to: kept or back.
        strangers: containers of the project's name that another work tree made.
        time: the host's time of day, in seconds since 1970; 0 says none.
        canary: the watchdog watches before other hosts get the release.
        watchdog: the records that a watchdog at work was given: kept, taken back, broken.
        trees: the commit that files are of which releases have for themselves, by their folders.
        wrote: what is told that containers wrote into those files.
        changed: the commands that changed something, in order.
    """

    head: str = OLD
    tag: str = "v1.2.2"
    branch: str = "main"
    boxes: dict[str, Box] = field(default_factory=dict)
    standby: dict[str, tuple[Box, ...]] = field(default_factory=dict)
    aside: dict[str, tuple[Box, ...]] = field(default_factory=dict)
    stands: str = ""
    cut: dict[str, str] = field(default_factory=dict)
    pinned: str = ""
    images: dict[str, str] = field(default_factory=dict)
    declared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    backups: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    migrated: tuple[str, ...] = ()
    schema: int = SCHEMA[OLD]
    overlays: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)
    wrote: str = ""
    sick: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    job: bool = False
    ran: tuple[str, ...] = ()
    bad: bool = False
    dies: str = ""
    status: str = "200"
    probed: str = PROBED
    ingress: str = ""
    left: bool = False
    stuck: bool = False
    data: str = "ours"
    beside: tuple[str, ...] = ()
    held_by: str = ""
    verdict: str = "kept"
    strangers: tuple[str, ...] = ()
    time: int = 0
    canary: bool = False
    watchdog: tuple[str, ...] = ()
    changed: list[str] = field(default_factory=list)

    def copy(self) -> World:
        """A world of its own in the same state."""
        own = {name: dict(value) for name, value in vars(self).items() if isinstance(value, dict)}
        return replace(self, **own, changed=[])  # type: ignore[arg-type]

    @property
    def current(self) -> str:
        """The release that is said to serve."""
        return self.files.get(f"{STATE}/current", "").strip()

    @property
    def serving(self) -> dict[str, tuple[str, ...]]:
        """What really serves: image, definition, health and mounted file of every service."""
        boxes = {name: box for name, box in self.boxes.items() if not box.ended}
        return {name: (b.image, b.written, b.health, b.mounts) for name, b in boxes.items()}

    @property
    def containers(self) -> tuple[Box, ...]:
        """Everything that runs."""
        gate = (Box("schedgen-ingress", "sha256:haproxy", "ingress"),) if self.ingress else ()
        return (*self.boxes.values(), *(box for boxes in self.standby.values() for box in boxes), *gate)

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Services with a port that nobody answers on, or two would."""
        proxies = [line.split()[1] for line in self.ingress.splitlines() if line.startswith("frontend ")]
        behind = {proxy.rpartition("_")[0] for proxy in proxies}
        return tuple(
            name for name in PORTS if name in self.boxes and self.boxes[name].publishes is (name in behind)
        )

    def records(self) -> dict[str, str]:
        """The state of each release, by its id."""
        found = [json.loads(text) for path, text in self.files.items() if path.endswith("/release.json")]
        return {record["id"]: record["state"] for record in found}


def fresh() -> World:
    """A production that Compose started at v1.2.2 and that we never deployed to."""
    world = World()
    world.images = {name: f"sha256:{name}" for name in READY.values()}
    for service in BUILT:
        world.images[f"schedgen-{service}:latest"] = image_id(service, OLD)
    for service in SERVICES:
        image = image_id(service, OLD) if service in BUILT else f"sha256:{READY[service]}"
        world.boxes[service] = Box(service, image, written(service, OLD), mounts=mounted(service, OLD))
    for service in PORTS:
        world.boxes[service] = replace(world.boxes[service], publishes=True)
    return world
