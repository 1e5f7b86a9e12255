"""The node of the database in an emergency: what is started and stopped there is told to a manager."""

from __future__ import annotations

from dataclasses import dataclass, field

from schedgen_ops.backup.data_location import running
from schedgen_ops.commands import docker, swarm_data
from schedgen_ops.emergency.run import EmergencyHost
from schedgen_ops.errors import OpsError
from schedgen_ops.swarm import finding
from schedgen_ops.swarm.emergency import WholeStack

_ENDED = ("exited", "dead")


@dataclass(slots=True)
class DataNode(EmergencyHost):
    """The node that has the data.

    Attributes:
        whole: the stack that its services are of.
    """

    whole: WholeStack = field(kw_only=True)

    def start(self, *services: str) -> None:
        """Start services as the release that is to serve has them, and wait until they are healthy."""
        self.whole.start(*services)

    def up_data(self) -> None:
        """Start the services that hold data, see `Data.up_data`; they have to be on this node.

        Raises:
            OpsError: where one does not start, or the Swarm has it elsewhere.
        """
        EmergencyHost.up_data(self)
        there = {box.service for box in running(self.context) if box.status == "running"}
        if {*self.data} - there:
            raise finding.not_there(self.settings)

    def box(self, service: str) -> docker.Container | None:
        """Return the container of a service: the last that ended, since a Swarm starts others."""
        found = [box for box in running(self.context) if box.service == service]
        ended = (box for box in found if box.status in _ENDED)
        return next(ended, found[0] if found else None)

    def _set_aside(self, service: str) -> None:
        box = self.box(service)
        if box is None:
            raise OpsError(f"{service} has no container", host=self.remote.name)
        name = f"{self.settings.project}-schedgen-files"
        # The Swarm removes the containers of a service that it does not run.
        held = self.run(swarm_data.files_of(self.docker, name, box.id, box.image), 120).strip()
        try:
            self.whole.vacate(service)
            self.whole.note(anew=True)
            self._archive(service, held, box.image)
        finally:
            self.remote.run(self.docker("rm", "--force", name), deadline=60, check=False)
