"""The objects in a volume of their container. Pure."""

from __future__ import annotations

from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Objects
from schedgen_ops.shell import Command, sh


class Volume:
    """A folder in the store's container; its script is host_scripts/objects/volume.bash."""

    def size(self, docker: Docker, container: str, objects: Objects) -> Command:
        """Count what is in the folder, by the container's own du."""
        counted = docker("exec", container, "du", "-sk", objects.path)
        return counted.pipe(sh("awk", '{ printf "%.0f\\n", $1 * 1024 }'))

    def by_hand(self, objects: Objects) -> tuple[str, ...]:
        """Return the words of `docker compose cp` into the folder."""
        return ("cp", "-", f"{objects.service}:{objects.path}")
