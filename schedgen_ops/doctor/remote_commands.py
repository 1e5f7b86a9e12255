"""What a diagnosis asks a host beyond what pre-flight and verification ask, and the answers read. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

_BOX = (
    '{{$said := ""}}{{$health := ""}}{{with .State.Health}}{{$health = .Status}}'
    "{{range .Log}}{{$said = .Output}}{{end}}{{end}}{{.ID}} {{.State.Status}}/{{$health}}/{{.RestartCount}} "
    '{"error":{{json .State.Error}},"memory":{{.HostConfig.Memory}},'
    '"ports":{{json .HostConfig.PortBindings}},'
    '"needs":{{json (index .Config.Labels "com.docker.compose.depends_on")}},"said":{{json $said}}}'
)


@dataclass(frozen=True, slots=True)
class Room:
    """What is free on the file system of a folder.

    Attributes:
        free: bytes.
        inodes: free inodes, and `all_inodes` how many there are; 0 where the file system counts none.
    """

    folder: str
    free: int
    inodes: int
    all_inodes: int


@dataclass(frozen=True, slots=True)
class ContainerDetail:
    """What Docker tells of a container beside its state.

    Attributes:
        error: why its last start failed.
        memory: its limit in bytes, 0 for none.
        ports: the ports of the host that it publishes.
        needs: the services that it depends on.
        said: what its health check said last.
    """

    error: str = ""
    memory: int = 0
    ports: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Boxes:
    """The answer of `services`.

    Attributes:
        now: the host's clock, in seconds of Unix time.
        logs: the end of the log of each container that is not well, by its id.
        killed: services that lost a process for want of memory within the hour.
        listening: who listens on a port of the host, "" where that is not told.
    """

    now: int
    boxes: Mapping[str, ContainerDetail] = field(default_factory=dict)
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    killed: frozenset[str] = frozenset()
    listening: Mapping[int, str] = field(default_factory=dict)


def rooms(docker: Docker, *folders: str) -> Command:
    """The room on the file systems of `folders` and of Docker's own."""
    return host_script("doctor/rooms", title="df", docker=docker.words, folders=folders)


def parse_rooms(stdout: str) -> tuple[Room, ...]:
    """Read the answer of `rooms`.

    Raises:
        ValueError: where df says something else.
    """
    rows = (line.split("\t") for line in stdout.splitlines())
    return tuple(
        Room(folder, int(free) * 1024, int(inodes), int(count)) for folder, free, inodes, count in rows
    )


def services(docker: Docker, project: str) -> Command:
    """What a diagnosis needs of a project's containers beside their state."""
    label = f"label={PROJECT_LABEL}={project}"
    return host_script(
        "doctor/services", title="docker inspect", docker=docker.words, filter=label, format=_BOX
    )


def parse_services(stdout: str) -> Boxes:
    """Read the answer of `services`.

    Raises:
        ValueError: where it says something else.
    """
    boxes: dict[str, ContainerDetail] = {}
    logs: dict[str, tuple[str, ...]] = {}
    listening: dict[int, str] = {}
    killed: set[str] = set()
    now = 0
    for line in stdout.splitlines():
        kind, _, rest = line.partition(" ")
        name, _, text = rest.partition(" ")
        match kind:
            case "now":
                now = int(name)
            case "box":
                boxes[name] = _box(json.loads(text))
            case "log":
                logs[name] = (*logs.get(name, ()), text)
            case "oom":
                killed.add(name)
            case "port":
                listening.setdefault(int(name), "")
            case "by":
                listening[int(name)] = text
    for line in stdout.splitlines():
        if line.startswith("published "):
            _, name, ports = (*line.split(" ", 2), "")[:3]
            listening |= dict.fromkeys(_published(ports), f"the container {name}")
    if not now:
        raise ValueError(f"no answer: {stdout[-100:]!r}")
    return Boxes(now, boxes, logs, frozenset(killed), listening)


def _box(item: Mapping[str, Any]) -> ContainerDetail:
    bound = (binding for bindings in (item["ports"] or {}).values() for binding in bindings or ())
    needs = (part.partition(":")[0] for part in (item["needs"] or "").split(","))
    return ContainerDetail(
        error=item["error"],
        memory=item["memory"],
        ports=tuple(sorted({int(port["HostPort"]) for port in bound if port["HostPort"].isdigit()})),
        needs=tuple(filter(None, needs)),
        said=" ".join(item["said"].split())[-200:],
    )


def _published(ports: str) -> tuple[int, ...]:
    """The host's ports in what `docker ps` says: `0.0.0.0:3001->3001/tcp, 9000/tcp`."""
    ends = (part.partition("->")[0].rpartition(":")[2] for part in ports.split(", ") if "->" in part)
    return tuple(int(end) for end in ends if end.isdigit())


def changes(most: int = 50) -> Command:
    """The newest commits of the work tree, with the files that each touched."""
    return host_script("doctor/changes", title="git log", most=most)


@dataclass(frozen=True, slots=True)
class RecentCommit:
    """A commit, its title and the files that it touched."""

    commit: str
    title: str
    files: tuple[str, ...] = ()


def parse_changes(stdout: str) -> tuple[RecentCommit, ...]:
    """Read the answer of `changes`, newest first."""
    found: list[RecentCommit] = []
    for line in filter(None, stdout.splitlines()):
        if line.startswith("commit "):
            _, commit, title = (*line.split(" ", 2), "")[:3]
            found.append(RecentCommit(commit, title))
        elif found:
            last = found[-1]
            found[-1] = RecentCommit(last.commit, last.title, (*last.files, line))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class BlockingSession:
    """A session of the database that keeps another one waiting.

    Attributes:
        waits: seconds that the other one has waited; `wanted` is what it wants to do.
        pid: the session that holds the lock; `query` is the last that it said.
        since: seconds that its transaction is open.
    """

    waiting: int
    waiter: str
    waits: int
    wanted: str
    pid: int
    user: str
    application: str
    address: str
    state: str
    since: int
    query: str


def parse_locks(rows: str) -> tuple[BlockingSession, ...]:
    """Read the rows of an engine's `locks`.

    Raises:
        ValueError: where they are something else.
    """
    found = []
    for row in filter(None, rows.splitlines()):
        waiting, waiter, waits, wanted, pid, user, program, address, state, since, query = row.split("\t")
        numbers = int(waiting), int(waits or 0), int(pid), int(since or 0)
        found.append(
            BlockingSession(
                numbers[0],
                waiter,
                numbers[1],
                wanted,
                numbers[2],
                user,
                program,
                address,
                state,
                numbers[3],
                query,
            )
        )
    return tuple(found)
