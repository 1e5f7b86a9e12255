"""Where the lab keeps its things, and what they are called: all of it is found again by prefix or label."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from schedgen_ops.errors import OpsError

# A second lab on the same engine needs a name, loopback addresses and a folder (SCHEDGEN_LAB_DIR) of its own.
NAME = os.environ.get("SCHEDGEN_LAB_NAME", "1")
ADDRESSES = os.environ.get("SCHEDGEN_LAB_NET", "127.0.0")
PREFIX = "schedgen-lab" if NAME == "1" else f"schedgen-lab-{NAME}"
LABEL = f"schedgen.lab={NAME}"
NETWORK = PREFIX
HOST_IMAGE = f"{PREFIX}/host:latest"
BASE_IMAGE = "debian:bookworm-slim"
GOLDEN = f"{PREFIX}-golden"
ORIGIN = f"{PREFIX}-origin"
BUILDER = f"{PREFIX}-builder"
REGISTRY = f"{PREFIX}-registry"
REGISTRY_IMAGE = f"{PREFIX}/registry:latest"
REGISTRY_NAME = "registry"
"""How hosts call it; their engines trust its port 5000 without TLS."""
PROJECT = "schedgen"
DIRECTORY = f"/srv/{PROJECT}"
RELEASE = "v1.2.2"
SITE_PORTS = (3000, 3001, 3002, 9090)
SSH_PORTS = (22, 2222)
"""The standard port, and the one instead where this machine's own sshd listens on every address."""
MOST_HOSTS = 64


class LabError(OpsError):
    """The lab could not do what was asked."""


@dataclass(frozen=True, slots=True)
class LabHost:
    """Host number `number`, from 1."""

    number: int

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return f"app{self.number}"

    @property
    def address(self) -> str:
        """A loopback address of its own, so that every port is the standard one."""
        return f"{ADDRESSES}.{10 + self.number}"

    @property
    def container(self) -> str:
        """The container, and the volume with all of its state."""
        return f"{PREFIX}-{self.name}"


def first_hosts(count: int) -> tuple[LabHost, ...]:
    """Return the first `count` hosts."""
    return tuple(LabHost(number) for number in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class Place:
    """The lab's folder on this machine: keys, known_hosts, the list of hosts, an own engine's log."""

    root: Path

    @property
    def key(self) -> Path:
        return self.root / "id_ed25519"

    @property
    def host_keys(self) -> Path:
        return self.root / "host_keys"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def hosts_file(self) -> Path:
        return self.root / "hosts.yaml"

    @property
    def ssh_port(self) -> int:
        """The port of every host's sshd: the standard one until `choose_ssh_port` found it taken."""
        path = self.root / "ssh_port"
        return int(path.read_text()) if path.exists() else SSH_PORTS[0]

    @property
    def capabilities(self) -> Path:
        return self.root / "capabilities"

    @property
    def pulled(self) -> Path:
        """The file that exists when the base image was pulled for the lab."""
        return self.root / "base-image-pulled"

    @property
    def engine_log(self) -> Path:
        return self.root / "dockerd.log"

    @property
    def engine_pid(self) -> Path:
        return self.root / "dockerd.pid"

    @property
    def lock(self) -> Path:
        return self.root / "lock"


def listens(address: str, port: int) -> bool:
    """Return whether a program of this machine answers at `address`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((address, port)) == 0


def choose_ssh_port(place: Place, address: str) -> None:
    """Choose a port by looking at an address where no host runs yet; it holds for as long as the lab lives.

    Raises LabError when neither port is free.
    """
    free = [port for port in SSH_PORTS if not listens(address, port)]
    if not free:
        raise LabError(f"Other programs listen on {address}, ports {' and '.join(map(str, SSH_PORTS))}")
    (place.root / "ssh_port").write_text(f"{free[0]}\n")


def find_place(root: Path) -> Place:
    """Return the lab's folder: SCHEDGEN_LAB_DIR, or `.lab` below `root`."""
    chosen = os.environ.get("SCHEDGEN_LAB_DIR")
    return Place(Path(chosen).expanduser().resolve() if chosen else root / ".lab")


@contextmanager
def locked(place: Place, wait: bool = True) -> Iterator[None]:
    """Keep a second command from working on the lab at the same time.

    Raises LabError when the lab is busy and `wait` is false.
    """
    with _locked_file(place, wait):
        yield


def _locked_file(place: Place, wait: bool) -> IO[str]:
    while True:
        place.root.mkdir(parents=True, exist_ok=True)
        file = place.lock.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.close()
            raise LabError(
                "Another command is at work on the lab", hint="Wait until it has ended, then try again."
            ) from None
        # The one before us may have removed the folder: a lock on a file that is gone keeps nobody out.
        if place.lock.exists() and os.fstat(file.fileno()).st_ino == place.lock.stat().st_ino:
            return file
        file.close()
