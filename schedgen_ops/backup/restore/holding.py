"""The objects of a store that a Swarm runs nothing of for a while, held by a container of ours."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from schedgen_ops.backup.data_location import DataLocation, running
from schedgen_ops.commands import swarm_data
from schedgen_ops.host_context import HostContext

_DEADLINE = 120.0


@dataclass(frozen=True, slots=True)
class Held:
    """The objects, on a node.

    Attributes:
        parts: what is restored.
    """

    host: HostContext
    parts: Collection[str]

    @property
    def needed(self) -> bool:
        """Whether they are held: Compose's store is stopped, and its container stays."""
        settings = self.host.settings
        return settings.on_swarm and settings.objects is not None and "objects" in self.parts

    @property
    def name(self) -> str:
        """What the container is called that holds them."""
        return f"{self.host.settings.project}-schedgen-objects"

    def hold(self) -> None:
        """Make it of the store's container; where that has none, the one of before stays."""
        service = self.host.settings.objects.service if self.host.settings.objects else ""
        boxes = [box for box in running(self.host) if box.service == service] if self.needed else []
        boxes.sort(key=lambda box: box.status != "running")
        if boxes:
            command = swarm_data.files_of(self.host.docker, self.name, boxes[0].id, boxes[0].image)
            self.host.run(command, _DEADLINE)

    def found(self, location: DataLocation) -> DataLocation:
        """Return where the objects are held, after a run that was cut off; as it is where they are not."""
        if not self.needed:
            return location
        answer = self.host.run(self.host.docker("inspect", "--format", "{{.Image}}", self.name), check=False)
        return replace(location, objects=self.name, image=answer.text) if answer.ok else location

    def instead(self, location: DataLocation) -> DataLocation:
        """Return where the objects are exchanged."""
        return replace(location, objects=self.name) if self.needed and location.objects else location

    def let_go(self) -> None:
        """Remove it; may run twice."""
        if self.needed:
            self.host.run(self.host.docker("rm", "--force", self.name), check=False)
