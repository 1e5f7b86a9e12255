"""An S3 server on a host of the lab, for as long as a test needs it: rclone serves a folder of that host."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from box import Box
from deploy_kit import wait_for

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import DIRECTORY

KEY, SECRET, PASSWORD = "lab-key", "s3cret-of-the-lab", "a 'pass' phrase"
VARIABLES = {"LAB_S3_SECRET": SECRET, "LAB_S3_PASSWORD": PASSWORD}
_START = """
mkdir -p /tmp/s3/bucket
setsid rclone serve s3 --addr "$2:9900" --auth-key "$1" /tmp/s3 >/tmp/s3.log 2>&1 </dev/null &
"""
# Not by its name: the host's object store may be the same program. The brackets keep it from finding itself.
_STOP = """
pkill -f 'addr [0-9.]*:[9]900' || true
while pgrep -f 'addr [0-9.]*:[9]900'; do sleep 0.1; done
"""

# What a new machine has: the engine, and the registry's images. What was ours is gone.
_LOSE = f"""
docker ps -aq | xargs -r docker rm -fv
docker volume ls -q | xargs -r docker volume rm
docker network prune -f
docker images -q 'schedgen-*' | sort -u | xargs -r docker rmi -f
find {DIRECTORY} -mindepth 1 -delete
"""


@dataclass(frozen=True, slots=True)
class S3:
    """The server, and what it keeps in its bucket."""

    box: Box
    bind: str = "127.0.0.1"

    def root(self, script: str) -> str:
        """What a script prints that root runs on the host."""
        return docker.run("exec", "--user=root", self.box.host.container, "bash", "-ec", script).strip()

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        words = (
            "exec",
            "--user=root",
            self.box.host.container,
            "bash",
            "-ec",
            _START,
            "s3",
            f"{KEY},{SECRET}",
            self.bind,
        )
        docker.run(*words)
        answers = "curl -s -o /dev/null http://127.0.0.1:9900/ && echo yes || true"
        wait_for(lambda: self.root(answers) == "yes", "the S3 server", 20)

    def lose(self) -> None:
        """Takes all that the project had on the host away."""
        self.root(_LOSE)

    def stop(self) -> None:
        """Stops it."""
        self.root(_STOP)

    def files(self) -> dict[str, int]:
        """Sizes by path, below the bucket."""
        lines = self.root("cd /tmp/s3/bucket; find . -type f -printf '%P %s\\n'").splitlines()
        return {name: int(size) for name, size in (line.split() for line in lines)}


def section(**changes: Any) -> dict[str, Any]:
    """What the configuration says of it."""
    options = {"type": "s3", "provider": "Rclone", "endpoint": "http://127.0.0.1:9900", "access_key_id": KEY}
    secrets = {"secret_access_key": "LAB_S3_SECRET"}
    return {"path": "bucket/copies", "options": options, "secrets": secrets, **changes}


@contextmanager
def s3(box: Box, *others: Box) -> Iterator[S3]:
    """The server on a host that has rclone, both gone afterwards.

    Args:
        others: hosts that reach it too, and have rclone.
    """
    program = shutil.which("rclone")
    if program is None:
        pytest.fail("rclone is not installed: `make venv` installs it")
    for each in (box, *others):
        docker.run("cp", "--follow-link", program, f"{each.host.container}:/usr/local/bin/rclone")
    server = S3(box, "0.0.0.0" if others else "127.0.0.1")
    try:
        server.start()
        yield server
    finally:
        server.root(f"{_STOP}\nrm -rf /tmp/s3 /tmp/s3.log /usr/local/bin/rclone")
        for each in others:
            each.sh("rm -f /usr/local/bin/rclone", user="root")
