"""The container of a service that a command goes to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from schedgen_ops.command_errors import checked
from schedgen_ops.commands.docker import Container, Docker, parse_containers
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.looking.services import known_services
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths

_DEADLINE = 30.0
# As Compose names containers, and as a Swarm does.
_NUMBER = re.compile(r"[-_](?P<n>\d+)\Z|\.(?P<slot>\d+)\.[0-9a-z]+\Z")


def find(host: HostContext, service: str, index: int = 0) -> Container:
    """Return the container of a service that a command goes to: one round trip.

    Args:
        index: the number at the end of the container's name; 0 for the first one that runs.

    Raises:
        ConfigError: for a service, or a container, that is not there.
        Refused: for one that does not run.
    """
    docker, paths = Docker(host.settings.sudo), Paths(host.settings.directory)
    asked = (docker.containers(host.settings.project), store.read_command(paths))
    listing, releases = host.remote.batch(asked, deadline=_DEADLINE)
    checked(asked[0], listing, host.remote.name)
    serving = store.parse_shelf(releases.stdout).current if releases.ok else ""
    boxes = parse_containers(listing.stdout)
    known_services((service,), (box.service for box in boxes), host.settings)
    return choose(boxes, service, index, serving or "", host.remote.name)


def choose(boxes: Iterable[Container], service: str, index: int, serving: str, host: str) -> Container:
    """Return the first container that runs, of the serving release where there is one. Pure.

    An old one that stands by, and a new one that is no release yet, come after it.

    Args:
        index: the number at the end of the container's name; 0 for the first one.
        serving: the id of the release that serves.
        host: its name, for messages.

    Raises:
        ConfigError: for a container that is not there.
        Refused: for one that does not run.
    """
    own = [box for box in boxes if box.service == service]
    wanted = [box for box in own if _number(box) == index] if index else own
    if index and not wanted:
        there = ", ".join(sorted(str(_number(box)) for box in own)) or "none"
        raise ConfigError(f"{service} has no container {index} on {host}", hint=f"There are: {there}.")
    running = [box for box in wanted if box.status == "running"]
    if not running:
        state = ", ".join(f"{box.name} is {box.state}" for box in wanted) or "it has no container"
        hint = f"`inv ops.start {service}` starts it; `inv doctor` looks for what ended it."
        raise Refused(f"{service} does not run: {state}", hint=hint, host=host)
    return min(running, key=lambda box: (box.release != serving, box.release, _number(box)))


def _number(box: Container) -> int:
    found = _NUMBER.search(box.name)
    return int(found["n"] or found["slot"]) if found else 1
