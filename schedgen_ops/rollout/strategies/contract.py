"""What every strategy tells of itself. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import ClassVar

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.project import Project
from schedgen_ops.rollout.versions import Version
from schedgen_ops.settings import Rollout, Settings
from schedgen_ops.shell import Command


class Strategy(ABC):
    """How the containers of a service are replaced.

    Attributes:
        name: what records and `deploy.plan` call it; records of earlier releases bear it, so it stays.
        beside: whether the new containers may run beside those that they replace: never two on one store.
        behind: whether the service is behind the ingress: the old containers stand by until the end of a run.
        kept: why no deploy replaces such a service; "" where one does.
        ends: whether its containers end: it runs at every release, and is not run again on the way back.
        tells: whether its command tells what the containers wrote, though old and new are not side by side.
    """

    name: ClassVar[str]
    beside: ClassVar[bool] = True
    behind: ClassVar[bool] = False
    kept: ClassVar[str] = ""
    ends: ClassVar[bool] = False
    tells: ClassVar[bool] = False

    def named(self, rollout: Rollout) -> Collection[str]:
        """Return the services for which the config asks for it, whatever their definition suggests."""
        return ()

    @abstractmethod
    def suits(self, service: Service, settings: Settings) -> bool:
        """Return whether it suits a service that is asked for by no list of the config."""

    def patience(self, project: Project) -> int:
        """Return the seconds that its command waits for new containers at most."""
        return project.wait

    @abstractmethod
    def text(self, new: Version, share: int) -> str:
        """Return what is done to a service, as a line of the plan.

        Args:
            share: percent of the requests that new containers get behind the ingress.
        """

    @abstractmethod
    def command(self, project: Project, new: Version, share: int) -> Command:
        """Return the command that starts a service as `new` has it, and ends well once it is healthy.

        It may be sent again after it was cut off anywhere. Where old and new run side by side, or it `tells`,
        its lines are those of `orchestrators/compose.py`; else the containers are asked for their log when it
        fails.
        """

    @abstractmethod
    def told(self, service: Service, record: ServiceRecord) -> str:
        """Return how a service is replaced and whether anybody has to wait, for the table of `deploy.plan`.

        Args:
            record: the service as the release to come has it.
        """


def well_once(service: Service) -> str:
    """Return what is seen of a new container of a service before it counts, for `told`."""
    if service.checked:
        return "its container is healthy"
    if service.listens:
        return f"port {' and '.join(map(str, service.listens))} answers"
    return "it listens as before; if it never did, a few seconds of running is all that is seen"


def may_run_twice(service: Service) -> bool:
    """Return whether two containers of a service may run for a moment: whether it holds no state.

    Two databases or queues side by side would be two different ones, or two on the same files. Of what is to
    have no container, none is started.
    """
    return not (service.once or service.odd_ports or service.volumes) and service.replicas > 0
