"""A Docker Swarm: its nodes, the services of a stack, and what is done with them on a manager. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schedgen_ops.commands.docker import INGRESS, Docker
from schedgen_ops.commands.registry import Login, signed_in
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, Value

WELL = "well"
_ROLLED = re.compile(
    r"service (?P<name>\S+) (?P<how>well|bad|late) (?P<changed>yes|no) (?P<text>.*)", re.DOTALL
)
STAY = 3
"""Seconds that containers which no update watches have to stay up."""
STILL = 8
"""Seconds without a change after which an update that lost a node is begun again."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the Swarm.

    Attributes:
        status: Ready or Down, as the managers see it.
        availability: Active, Pause or Drain.
        manager: Leader, Reachable or Unreachable; "" for a worker.
        me: whether it is the one that was asked.
    """

    id: str
    name: str
    status: str
    availability: str
    manager: str
    engine: str
    me: bool = False

    @property
    def good(self) -> bool:
        """Whether it is there for work, or has been put out of work on purpose."""
        return self.status == "Ready" and self.manager != "Unreachable"


@dataclass(frozen=True, slots=True)
class Task:
    """A container of a service that is to run.

    Attributes:
        state: what it does now, in the engine's words: Running 3 minutes ago.
    """

    name: str
    node: str
    state: str
    error: str = ""

    @property
    def runs(self) -> bool:
        """Whether it runs."""
        return self.state.startswith("Running")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a service of a stack stands.

    Attributes:
        service: its name without the stack's.
        running, wanted: how many of its containers run, and are to run.
        definition: the label of ours that tells what it is; "" where we did not make it.
        update: how its last update stands: updating, completed, paused, ...; "" where there was none.
        ends: whether nothing starts it again when it has ended.
        order: start-first or stop-first.
        placed: its placement constraints.
        tasks: the containers that are to run.
        stopped: how many it had when it was stopped; 0 for one that is not.
    """

    service: str
    mode: str
    running: int
    wanted: int
    definition: str = ""
    update: str = ""
    message: str = ""
    ends: bool = False
    order: str = ""
    placed: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    stopped: int = 0

    @property
    def good(self) -> bool:
        """Whether as many run as are to run, it is not stopped, and no update is half done."""
        well = self.running >= self.wanted and self.update in ("", "completed")
        return self.ends or (well and not self.stopped)

    @property
    def node(self) -> str:
        """The id of the only node where it may run; "" where there are others."""
        return next((value for key, value in _equals(self.placed) if key == "node.id" and value), "")

    @property
    def pinned(self) -> bool:
        """Whether it may run on one node alone."""
        return pinned(self.placed)

    @property
    def text(self) -> str:
        """How it stands, in words."""
        errors = [task.error for task in self.tasks if task.error]
        more = [] if self.update in ("", "completed") else [f"its update is {self.update}", self.message]
        more += [f"it was stopped, and had {self.stopped}"] if self.stopped else []
        return ", ".join(filter(None, (f"{self.running} of {self.wanted} run", *more, *errors[:1])))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a manager says of the Swarm and of a stack."""

    nodes: tuple[Node, ...] = ()
    services: tuple[Standing, ...] = ()

    def node(self, name: str) -> Node | None:
        """Return the node with that name or id."""
        return next((node for node in self.nodes if name in (node.name, node.id)), None)

    @property
    def me(self) -> Node | None:
        """The node that was asked."""
        return next((node for node in self.nodes if node.me), None)

    def closed(self, node: Node, ingress_on: Collection[str]) -> bool:
        """Return whether a node's ports are to answer nobody: it is drained, or is to have no ingress.

        Args:
            ingress_on: the placement constraints of the ingress. Which nodes they leave out is told by where
                the Swarm has it run, once there is one; without any it is to run on each.
        """
        if node.availability == "Drain":
            return True
        gate = next((each for each in self.services if each.service == INGRESS), None)
        return bool(ingress_on) and gate is not None and node.name not in {task.node for task in gate.tasks}


def pinned(placed: Iterable[str]) -> bool:
    """Return whether placement constraints leave one node."""
    return any(key in ("node.id", "node.hostname") for key, _ in _equals(placed))


def bound(placed: Iterable[str]) -> str:
    """Return the id or the name of the one node that placement constraints leave; "" for others."""
    return next((value for key, value in _equals(placed) if key in ("node.id", "node.hostname")), "")


def _equals(placed: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The constraints that want something to be equal: what, and to what."""
    for key, equal, value in (each.replace(" ", "").partition("==") for each in placed):
        if equal:
            yield key, value


def look(docker: Docker, stack: str) -> Command:
    """Asks a manager for the nodes, and for the services of a stack; `parse` reads the answer."""
    title = "look at the Swarm"
    return host_script("swarm/look", title=title, docker=docker.words, stack=stack)


def parse(stdout: str, stack: str) -> Seen:
    """Reads the answer of `look`.

    Raises:
        ValueError: where it is none.
    """
    items = [json.loads(line) for line in stdout.splitlines() if line.strip()]
    more = {item["of"]: item for item in items if "of" in item}
    tasks = [item for item in items if "task" in item]
    services = (item for item in items if "service" in item)
    return Seen(
        tuple(_node(item) for item in items if "node" in item),
        tuple(
            sorted((_standing(each, more, tasks, stack) for each in services), key=lambda one: one.service)
        ),
    )


def _node(item: Mapping[str, Any]) -> Node:
    return Node(
        id=item["node"],
        name=item["name"],
        status=item["status"],
        availability=item["availability"],
        manager=item["manager"],
        engine=item["engine"],
        me=str(item["self"]).lower() == "true",
    )


def _standing(
    item: Mapping[str, str],
    more: Mapping[str, Mapping[str, Any]],
    tasks: Iterable[Mapping[str, str]],
    stack: str,
) -> Standing:
    name = item["service"]
    wanted = item["replicas"].partition(" ")[0].partition("/")[2]
    told = more.get(name, {})
    its = tuple(
        Task(each["task"], each["on"], each["is"], each["error"])
        for each in tasks
        if each["task"].rpartition(".")[0] == name
    )
    return Standing(
        name.removeprefix(f"{stack}_"),
        item["mode"],
        # A node that is lost goes on running what it had, as far as anybody is told.
        sum(task.runs for task in its),
        int(wanted),
        told.get("definition", ""),
        told.get("update", ""),
        told.get("message", ""),
        told.get("once") == "none",
        told.get("order", ""),
        tuple(told.get("placed") or ()),
        its,
        int(told.get("stopped") or 0) if not int(wanted) else 0,
    )


@dataclass(frozen=True, slots=True)
class Rolled:
    """How bringing a service ended.

    Attributes:
        how: well, bad or late.
        changed: whether it had another definition before.
    """

    service: str
    how: str
    changed: bool
    text: str

    @property
    def well(self) -> bool:
        """Whether it is as it was to be."""
        return self.how == WELL


def parse_rolled(lines: Iterable[str]) -> tuple[Rolled, ...]:
    """Reads the lines of `StackCommands.roll` that tell how each service ended."""
    # Docker's own complaints about a service begin in the same way.
    found = filter(None, map(_ROLLED.fullmatch, lines))
    return tuple(Rolled(name, how, changed == "yes", text) for name, how, changed, text in map(_parts, found))


def _parts(found: re.Match[str]) -> tuple[str, str, str, str]:
    return found["name"], found["how"], found["changed"], found["text"]


def parse_pushed(stdout: str) -> dict[str, str]:
    """Reads the answer of `StackCommands.push`: the digest of each image, by its name here; "" for none."""
    return {
        image: digest for image, _, digest in (line.partition(" ") for line in stdout.splitlines()) if image
    }


@dataclass(frozen=True, slots=True)
class StackCommands:
    """What is done with a stack on a manager.

    Attributes:
        stack: its name.
        login: who signs in to registries; None for what the host itself is signed in to.
    """

    docker: Docker
    stack: str
    login: Login | None = None

    def _signed_in(self, script: str, title: str, **values: Value) -> Command:
        return signed_in(script, title, self.docker, self.login, **values)

    def roll(
        self,
        folder: str,
        services: Sequence[str],
        limit: int,
        stay: int,
        still: int = STILL,
        *,
        alone: bool = False,
    ) -> Command:
        """Brings services to what the files in `folder` say, and waits until all are well.

        Args:
            limit: seconds until they must be.
            stay: seconds that what was not there before has to stay up.
            still: seconds without a change after which an update that lost a node is begun again.
            alone: whether the manager does it by itself, with nobody there to sign in: services keep the
                credentials that they have.
        """
        title = f"docker stack deploy {', '.join(services)}"
        return self._signed_in(
            "swarm/roll",
            title,
            stack=self.stack,
            folder=folder,
            services=services,
            limit=limit,
            stay=stay,
            still=still,
            auth="no" if alone else "yes",
        )

    def job(self, file: str, service: str, limit: int) -> Command:
        """Runs a service to its end, and tells what it wrote; nothing of it stays."""
        return self._signed_in(
            "swarm/job", f"run {service}", stack=self.stack, file=file, service=service, limit=limit
        )

    def push(self, prefix: str, images: Mapping[str, str]) -> Command:
        """Pushes images, and tells their digests.

        Args:
            prefix: the registry, or a path in one; "" for none: what has no digest is told as having none.
            images: for each name on the host what it was pulled by; "" for one that was built there.
        """
        return self._signed_in(
            "swarm/push",
            "docker push",
            prefix=prefix.rstrip("/"),
            images=tuple(images),
            pulled=tuple(images.values()),
        )

    def contents(self, project: str, made: Iterable[tuple[str, str, str, str]]) -> Command:
        """Makes configs and secrets that are not there yet.

        Args:
            made: for each its kind, its name, the file that has it, and without one what is in it.
        """
        kinds, names, files, texts = zip(*made, strict=True)
        command = host_script(
            "swarm/contents",
            title="docker config create",
            docker=self.docker.words,
            project=project,
            kinds=[kind.removesuffix("s") for kind in kinds],
            names=names,
            files=files,
        )
        given = (text for file, text in zip(files, texts, strict=True) if not file)
        return command.with_stdin("".join(base64.b64encode(text.encode()).decode() + "\n" for text in given))

    def remove(self, services: Sequence[str], limit: int) -> Command:
        """Removes services and waits for their end; the whole stack without any."""
        title = f"docker service rm {', '.join(services)}" if services else "docker stack rm"
        return host_script(
            "swarm/remove",
            title=title,
            docker=self.docker.words,
            stack=self.stack,
            services=services,
            limit=limit,
        )

    def drain(self, node: str, services: Sequence[str], limit: int) -> Command:
        """Starts services of a node elsewhere, then puts it out of work, and waits until nothing runs there.

        Args:
            node: its id.
            services: those whose containers are started elsewhere first.
        """
        return self._on_node("swarm/drain", f"drain {node}", node, services=services, limit=limit)

    def undrain(self, node: str, limit: int) -> Command:
        """Gives a node work again, and waits until what runs on every node runs there."""
        return self._on_node("swarm/undrain", f"undrain {node}", node, limit=limit)

    def _on_node(self, script: str, title: str, node: str, **values: Value) -> Command:
        words = self.docker.words
        return host_script(script, title=title, docker=words, stack=self.stack, node=node, **values)

    def tidy(self, project: str, folders: Sequence[str]) -> Command:
        """Removes configs and secrets that no release names whose files are in `folders`."""
        return host_script(
            "swarm/tidy",
            title="remove old configs",
            docker=self.docker.words,
            project=project,
            folders=folders,
        )


def hashes(files: Sequence[str]) -> Command:
    """Tells the hash of what is in each file, a line each."""
    return host_script("swarm/hashes", title="look at configs", files=files)


def volumes(docker: Docker, names: Sequence[str]) -> Command:
    """Asks a node for its id in the Swarm, and which of these volumes it has, a line each."""
    return host_script("swarm/volumes", title="look for volumes", docker=docker.words, volumes=names)
