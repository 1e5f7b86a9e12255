"""What a store of objects can do for backups and restores: the part of it that is Python.

What runs on a host is its script: the functions that host_scripts/lib/objects.bash lists.
"""

from __future__ import annotations

from typing import Protocol

from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Objects
from schedgen_ops.shell import Command


class ObjectStore(Protocol):
    """A kind of store. Pure."""

    def size(self, docker: Docker, container: str, objects: Objects) -> Command:
        """Tell the bytes that the objects take, as a number alone."""

    def by_hand(self, objects: Objects) -> tuple[str, ...]:
        """Return the words of `docker compose` by which an operator puts the tar on stdin back."""
