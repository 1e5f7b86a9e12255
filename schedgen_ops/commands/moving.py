"""A project moved from Compose to a Swarm: what a node has of it, stopped, brought back, removed. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops.commands.docker import INGRESS, SERVICE_LABEL, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command

# What a Swarm gives containers of its own.
_TASK = "com.docker.swarm.task.id"


@dataclass(frozen=True, slots=True)
class Box:
    """A container that Compose made.

    Attributes:
        ports: of the host, that it publishes.
    """

    name: str
    service: str
    runs: bool
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a node has of a project that is to be moved.

    Attributes:
        node: its id in the Swarm; "" where it is in none.
        boxes: the containers that Compose made, running or not.
        volumes: those on its own disk, and how large each is, in Docker's words; "" where that is unknown.
        busy: the ports at which something answers.
        moved: the release of a move that has stopped what runs there, and did not end; "" for none.
        writable: whether the project's directory is there, for who logs in.
    """

    node: str = ""
    boxes: tuple[Box, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    busy: tuple[int, ...] = ()
    moved: str = ""
    writable: bool = False

    @property
    def runs(self) -> tuple[str, ...]:
        """The services, without our ingress, of which a container runs."""
        return tuple(sorted({box.service for box in self.boxes if box.runs and box.service != INGRESS}))

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that Compose publishes there."""
        return tuple(sorted({port for box in self.boxes if box.runs for port in box.ports}))


def survey(
    docker: Docker, project: str, directory: str, record: str, ports: Iterable[int], *, sized: bool
) -> Command:
    """Asks a node what it has of a project; `parse_survey` reads the answer.

    Args:
        ports: those of which is asked whether something answers there.
        sized: whether it is told how large volumes are, which may take a while.
    """
    return host_script(
        "swarm/survey",
        title="look at what Compose runs",
        docker=docker.words,
        project=project,
        directory=directory,
        record=record,
        ports=[str(port) for port in ports],
        sized="yes" if sized else "no",
    )


def parse_survey(stdout: str) -> Surveyed:
    """Reads the answer of `survey`.

    Raises:
        ValueError: where it is none.
    """
    items = [json.loads(line) for line in stdout.splitlines() if line.strip()]
    nodes = [item["node"] for item in items if "node" in item]
    if len(nodes) != 1:
        raise ValueError(f"no node says so: {stdout[:60]!r}")
    sizes = {each["Name"]: each["Size"] for item in items for each in item.get("sizes") or ()}
    return Surveyed(
        nodes[0] or "",
        tuple(_boxes(items)),
        {item["volume"]: _size(sizes.get(item["volume"], "")) for item in items if "volume" in item},
        tuple(item["busy"] for item in items if "busy" in item),
        next((item["moved"] for item in items if "moved" in item), ""),
        any(item.get("directory") for item in items),
    )


def _boxes(items: Iterable[Mapping[str, Any]]) -> Iterator[Box]:
    for item in (each for each in items if "box" in each):
        labels = item["labels"] or {}
        if _TASK not in labels:
            bound = [each for found in (item["ports"] or {}).values() for each in found or ()]
            ports = tuple(sorted({int(each["HostPort"]) for each in bound if each.get("HostPort")}))
            name, service = item["box"].removeprefix("/"), labels.get(SERVICE_LABEL, "")
            yield Box(name, service, item["status"] in ("running", "paused", "restarting"), ports)


def _size(said: str) -> str:
    return "" if said == "N/A" else said


@dataclass(frozen=True, slots=True)
class ComposeSide:
    """What Compose runs of a project on a node.

    Attributes:
        record: the file where it is noted what was stopped.
    """

    docker: Docker
    project: str
    record: str

    def _script(self, name: str, title: str, **values: str | int) -> Command:
        words = self.docker.words
        return host_script(
            name, title=title, docker=words, project=self.project, record=self.record, **values
        )

    def away(self, release: str) -> Command:
        """Stops all of it, and has nothing start it again."""
        return self._script("swarm/away", "stop what Compose runs", release=release)

    def back(self, limit: int) -> Command:
        """Starts again what was stopped, and waits until it is well; `limit` seconds, twice at most."""
        return self._script("swarm/back", "start what Compose ran", limit=limit)

    def over(self) -> Command:
        """Removes what was stopped."""
        return self._script("swarm/over", "remove what Compose ran")


def images(folder: str) -> Command:
    """Tells the images that the files of a release name, a line each."""
    return host_script("swarm/images", title="look which images it needs", folder=folder)


def said(prefix: str, lines: Sequence[str]) -> int:
    """Return the number behind a word that a script ends with; 0 where it did not say it."""
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{prefix} ")), 0)
