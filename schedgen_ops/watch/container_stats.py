"""The running stats of one container under an extended verification. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from schedgen_ops.watch.host_sample import ContainerSample
from schedgen_ops.watch.series import Series


@dataclass(slots=True)
class ContainerStats:
    """What the rounds showed of one container."""

    name: str
    service: str
    last: ContainerSample
    restarts: int = 0
    oom_kills: int = 0
    gone: bool = False
    cpu: Series = field(default_factory=Series)
    memory: Series = field(default_factory=Series)

    def add(self, at: float, container: ContainerSample, killed: Container[str]) -> None:
        """One more round.

        Args:
            at: seconds since the first round.
            killed: the ids of the containers that ran out of memory since the round before.
        """
        self._restarted(container)
        self.oom_kills += container.id in killed or (container.oom_killed and not self.last.oom_killed)
        self.last, self.gone = container, False
        self.cpu.add(at, container.cpu_percent)
        self.memory.add(at, None if container.memory is None else float(container.memory))

    def _restarted(self, container: ContainerSample) -> None:
        before = self.last
        if container.id == before.id:
            by_engine = max(0, container.restarts - before.restarts)
            started = container.started != before.started and container.status == "running"
            self.restarts += by_engine or started
