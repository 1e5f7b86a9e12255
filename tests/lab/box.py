"""A host of the lab as a test looks at it, past the product."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import DIRECTORY, LabHost

ROOT = Path(__file__).parents[2]

# A hundred runs need not compile the same modules, even where the environment says so. The project's own
# configuration means the hosts of the first of two processes: a test that has none of its own is to notice.
KEPT = {"PYTHONDONTWRITEBYTECODE": "", "SCHEDGEN_CONFIG": "/no/configuration/of/this/test"}


LEFT = "/data/as-left"
"""On a host: which test left it for the next one. Whoever resets or empties the host removes it."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command line."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that an operator saw."""
        return self.stdout + self.stderr


@dataclass(frozen=True, slots=True)
class Box:
    """A host as a test looks at it, past the product: a shell inside, and its published ports."""

    host: LabHost

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def address(self) -> str:
        return self.host.address

    def sh(self, script: str, user: str = "deploy") -> str:
        """What a script prints that runs in the project directory. Fails the test if it fails."""
        where = ("--env=DOCKER_BUILDKIT=0", f"--user={user}", f"--workdir={DIRECTORY}")
        return docker.run("exec", *where, self.host.container, "bash", "-ec", script, timeout=180).strip()

    def get(self, path: str, port: int = 3001) -> str:
        """The body of a good answer."""
        with urllib.request.urlopen(f"http://{self.address}:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def version(self) -> str:
        """The release that serves, by its own word."""
        return str(json.loads(self.get("/health"))["version"])

    def count(self, table: str) -> int:
        """The rows of a table."""
        query = f"docker compose exec -T postgres psql -U schedgen -tAc 'SELECT count(*) FROM {table}'"
        return int(self.sh(query))


@dataclass(frozen=True, slots=True)
class AsLeft:
    """A host, and whether it is in its golden state: else it is as the test before left it."""

    box: Box
    fresh: bool


Inv = Callable[..., Ran]
"""Runs the command line: `inv("deploy", "--env", "lab", timeout=600, env={})`."""
