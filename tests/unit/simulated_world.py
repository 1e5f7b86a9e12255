"""The world of a simulated host: git, images, containers and files that change as the commands say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fakes import result
from kit import DIRECTORY, recorded

from schedgen_ops.commands.docker import DEFINITION_LABEL, HASH_LABEL, RELEASE_LABEL, SERVICE_LABEL
from schedgen_ops.remote import Result

OLD, NEW, NEXT = "a" * 40, "b" * 40, "c" * 40
COMMITS = {"v1.2.2": OLD, "v1.2.3": NEW, "v1.2.4": NEXT}
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
STATE = f"{DIRECTORY}/.schedgen"
PROBED = "".join(f"{number}00000 0 200 0.010\n" for number in range(1, 20))


@dataclass(frozen=True)
class Box:
    """A container."""

    service: str
    image: str
    written: str
    release: str = ""
    definition: str = ""
    health: str = "healthy"
    mounts: str = ""
    publishes: bool = False

    @property
    def line(self) -> str:
        """As `docker inspect` prints it in our format."""
        labels = {SERVICE_LABEL: self.service, HASH_LABEL: self.written, "com.docker.compose.oneoff": "False"}
        if self.release:
            labels |= {RELEASE_LABEL: self.release, DEFINITION_LABEL: self.definition}
        body = {
            "id": f"id-{self.service}",
            "name": f"/schedgen-{self.service}-1",
            "image": self.image,
            "labels": labels,
            "status": "running",
            "health": self.health,
            "started": "2025-01-15T11:00:00Z",
            "restarts": 0,
            "exit_code": 0,
            "oom": False,
            "image_name": f"schedgen-{self.service}",
        }
        return json.dumps(body)


def image_id(service: str, commit: str) -> str:
    """The id of the image that building `service` at `commit` gives."""
    return f"sha256:{service}-{commit[0] if service in REBUILT else 'x'}"


def written(service: str, commit: str) -> str:
    """Compose's hash of a service's definition at `commit`."""
    return f"{service}-{commit[0] if service == REDEFINED else 'same'}"


def mounted(service: str, commit: str) -> str:
    """The version of the file that a service mounts from the work tree, as it is when it starts."""
    return commit if service == "prometheus" else ""


@dataclass
class World:
    """All that can change on a host, and how it behaves.

    Attributes:
        sick: services that are not healthy at a commit other than v1.2.2's.
        dies: what the wait for containers to settle prints.
        status: what every request is answered with.
        standby: containers beside the ones that serve: the old ones of a run that is not over.
        probed: what the prober wrote.
        ingress: the configuration that the ingress runs with; "" while there is none.
        stuck: the ingress cannot take the ports over.
        held_by: the lock's owner, if somebody else holds it.
        changed: the commands that changed something, in order.
    """

    head: str = OLD
    branch: str = "main"
    boxes: dict[str, Box] = field(default_factory=dict)
    standby: dict[str, Box] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    backups: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    migrated: tuple[str, ...] = ()
    overlays: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    resolved: dict[str, str] = field(default_factory=dict)
    sick: tuple[str, ...] = ()
    dies: str = ""
    status: str = "200"
    probed: str = PROBED
    ingress: str = ""
    stuck: bool = False
    held_by: str = ""
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
        return {name: (b.image, b.written, b.health, b.mounts) for name, b in self.boxes.items()}

    @property
    def containers(self) -> tuple[Box, ...]:
        """Everything that runs."""
        gate = (Box("schedgen-ingress", "sha256:haproxy", "ingress"),) if self.ingress else ()
        return (*self.boxes.values(), *self.standby.values(), *gate)

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


Handler = Callable[[World, Sequence[str], str], Result]


def says(text: str) -> Handler:
    return lambda world, words, stdin: result(text)


def changing(act: Callable[[World, Sequence[str], str], Result | None]) -> Handler:
    def handler(world: World, words: Sequence[str], stdin: str) -> Result:
        world.changed.append(" ".join(words)[:80])
        return act(world, words, stdin) or result()

    return handler


def _releases(world: World, words: Sequence[str], stdin: str) -> Result:
    records = [text for path, text in world.files.items() if path.endswith("/release.json")]
    return result("\n".join([world.current, "", *records]))


def _lock(world: World, words: Sequence[str], stdin: str) -> Result:
    return result(f"held {world.held_by}" if world.held_by else f"acquired {world.current}")


def _config(world: World, words: Sequence[str], stdin: str) -> Result:
    world.changed.append("docker compose config")
    folder = words[0]
    if stdin:
        world.files[f"{folder}/overlay.json"] = stdin
        services = json.loads(stdin.replace("!reset []", '"reset"'))["services"]
        services.pop("schedgen-ingress", None)
        world.overlays[folder] = {
            name: {
                "image": body["image"],
                "release": body["labels"][RELEASE_LABEL],
                "definition": body["labels"][DEFINITION_LABEL],
                "behind": body.get("ports", ""),
            }
            for name, body in services.items()
        }
        return result()
    world.resolved[folder] = world.head
    hashes = "".join(f"{name} {written(name, world.head)}\n" for name in SERVICES)
    return result(f"{hashes}--\n{json.dumps(_document())}")


def _document() -> Mapping[str, object]:
    services: dict[str, dict[str, object]] = {name: {"image": image} for name, image in READY.items()}
    services |= {name: {"build": {"context": f"{DIRECTORY}/{name}"}} for name in BUILT}
    rules = {"type": "bind", "source": f"{DIRECTORY}/monitoring/prometheus.yml"}
    services["prometheus"]["volumes"] = [rules]
    for name, port in PORTS.items():
        services[name]["ports"] = [
            {"mode": "ingress", "target": port, "published": str(port), "protocol": "tcp"}
        ]
    for name, needs in NEEDS.items():
        services[name]["depends_on"] = {need: {"condition": "service_healthy"} for need in needs}
    return {"services": services}


def _ls_tree(world: World, words: Sequence[str], stdin: str) -> Result:
    commit = words[words.index("-z") + 1]
    return result(f"100644 blob {commit}\tmonitoring/prometheus.yml\0")


def _resolve(world: World, words: Sequence[str], stdin: str) -> Result:
    return result(COMMITS.get(words[1], "missing") + "\n")


def _checkout(world: World, words: Sequence[str], stdin: str) -> Result | None:
    if words[-1] == "--":
        world.head, world.branch = OLD, words[-2]
    elif words[-1] in COMMITS.values():
        world.head, world.branch = words[-1], ""
    else:
        return result(stderr="not a commit", code=1)
    return None


def _tag(world: World, words: Sequence[str], stdin: str) -> Result | None:
    source, name = words[-2:]
    known = {**world.images, **{image: image for image in world.images.values()}}
    if source not in known:
        return result(stderr=f"no such image {source}", code=1)
    world.images[name if ":" in name else f"{name}:latest"] = known[source]
    return None


def _ids(world: World, words: Sequence[str], stdin: str) -> Result:
    names = words[words.index("{{.Id}}") + 1 :]
    if any(name not in world.images for name in names):
        return result(stderr="no such image", code=1)
    return result("\n".join(world.images[name] for name in names))


def _images(world: World, words: Sequence[str], stdin: str) -> Result:
    return result("\n".join(f"{n} {i}" for n, i in world.images.items() if n.startswith("schedgen-")))


def _untag(world: World, words: Sequence[str], stdin: str) -> None:
    for name in words[2:]:
        world.images.pop(name, None)


def _build(world: World, words: Sequence[str], stdin: str) -> None:
    folder = next(word for word in words if word.endswith("/compose.yaml")).removesuffix("/compose.yaml")
    for service in words[words.index("build") + 1 :]:
        world.images[world.overlays[folder][service]["image"]] = image_id(service, world.head)


def _migrate(world: World, words: Sequence[str], stdin: str) -> None:
    world.migrated = (*world.migrated, world.head)


def _write(world: World, words: Sequence[str], stdin: str) -> None:
    world.files[words[0]] = stdin


def _back_up(world: World, words: Sequence[str], stdin: str) -> Result:
    world.parts = (*world.parts, words[0])
    return result(f"objects 3\nfile database.sql.gz 10 {'0' * 64}\nfile objects.tar.gz 10 {'1' * 64}\n")


def _finish(world: World, words: Sequence[str], stdin: str) -> None:
    world.parts = tuple(part for part in world.parts if part != words[0])
    world.backups = (*world.backups, words[0])


def discard(world: World, words: Sequence[str], stdin: str) -> None:
    gone = {word.removesuffix(".part") for word in words[3:]}
    world.parts = tuple(part for part in world.parts if part not in gone)


def _remove(world: World, words: Sequence[str], stdin: str) -> None:
    world.boxes.pop(words[-1], None)


TITLES: dict[str, Handler] = {
    "git status": lambda world, w, s: result(f"{world.head}\n{world.branch}\n"),
    "read the names": says("POSTGRES_PASSWORD\nMINIO_ACCESS_KEY\nMINIO_SECRET_KEY\n"),
    "is ": says(""),
    "load": says(recorded("load.txt")),
    "docker inspect": lambda world, w, s: result("\n".join(box.line for box in world.containers)),
    "read the releases": _releases,
    "schedgen-lock": _lock,
    "back up": changing(_back_up),
    "finish the backup": changing(_finish),
    "resolve ": _resolve,
    "git ls-tree": _ls_tree,
    "docker compose config": _config,
    "docker compose build": changing(_build),
    "docker compose run": changing(_migrate),
    "wait for the containers": lambda world, w, s: result(world.dies),
    "wait for ": says(""),
    "docker compose logs": says("starting\nError: no database\n"),
    "docker compose rm": changing(_remove),
    "write ": changing(_write),
    "GET ": lambda world, w, s: result(f"{world.status} 0.010 \n"),
}
LINES: dict[str, Handler] = {
    "true": says(""),
    "docker version": says("20.10.24\n"),
    "docker compose version": says("5.6.1\n"),
    "docker buildx": lambda world, w, s: result(code=1),
    "df ": says(recorded("df.txt")),
    "( export GIT_TERMINAL_PROMPT=0; git fetch": changing(lambda world, w, s: None),
    "git diff": says("backend/src/migrations/17-AddPageCount.js\n"),
    "git checkout": changing(_checkout),
    "git -c advice.detachedHead=false checkout": changing(_checkout),
    "docker tag": changing(_tag),
    "docker image inspect": _ids,
    "docker images": _images,
    "docker rmi": changing(_untag),
    "docker ps": says(""),
    "{ docker logs": says("Error: out of luck\n"),
}
