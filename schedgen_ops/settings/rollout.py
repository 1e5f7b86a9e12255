"""The section of a config file about how an update spreads over hosts and services."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section


class Rollout(Section):
    """How an update spreads over the hosts."""

    batch: Annotated[int, Field(ge=1, le=1000)] | t.Part = Field(
        default=1, description="Hosts that are updated at the same time: a number, or a part as 25%."
    )
    canary_hosts: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description="Hosts that a deploy updates first, alone; the guard judges them before others follow.",
    )
    canary_watch: t.Seconds = Field(default=300, description="Seconds that the guard watches them for.")
    ingress: t.Many[t.ServiceName] = Field(
        default=(), description="Services behind the ingress, whatever their definition suggests."
    )
    start_first: t.Many[t.ServiceName] = Field(
        default=(), description="Services whose new containers start beside the old ones."
    )
    stop_first: t.Many[t.ServiceName] = Field(
        default=(), description="Services that are stopped before their new containers start."
    )
    jobs: t.Many[t.ServiceName] = Field(
        default=(), description="Services that end: each release runs them, before what depends on them."
    )
    job_deadline: t.Seconds = Field(default=1800, description="Seconds a job may take to end.")
    drain: t.SecondsOrNone = Field(
        default=30, description="Seconds that requests in flight have to end before a container is stopped."
    )

    standby: t.SecondsOrNone = Field(
        default=0,
        description="Seconds that what was replaced behind the ingress stands by, to go back at once.",
    )

    by_name: Annotated[Mapping[t.ServiceName, t.Port | t.RawPort], AfterValidator(t.Fixed)] = Field(
        default={},
        description="Services whose names lead to the ingress: the HTTP port that is called, or PORT/tcp.",
    )

    @property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        """The services of each list that says how they are replaced."""
        return {
            "ingress": self.ingress,
            "start_first": self.start_first,
            "stop_first": self.stop_first,
            "jobs": self.jobs,
        }

    def at_once(self, hosts: int) -> int:
        """Return how many of so many hosts are updated at the same time: of a part as many as are whole."""
        if isinstance(self.batch, int):
            return self.batch
        return max(1, hosts * int(self.batch.rstrip("%")) // 100)

    def batches(self, hosts: Sequence[str], *, canary: bool) -> tuple[tuple[str, ...], ...]:
        """Return hosts as they are updated one batch after the other.

        Args:
            canary: whether the canary hosts are a batch of their own, the first.
        """
        first = self.canary_hosts if canary else 0
        size, rest = self.at_once(len(hosts)), tuple(hosts[first:])
        others = (rest[start : start + size] for start in range(0, len(rest), size))
        return ((tuple(hosts[:first]),) if first else ()) + tuple(others)

    @property
    def called(self) -> Mapping[str, tuple[int, bool]]:
        """The services that are called by name: the port, and whether bytes are passed on as they come."""
        return {
            name: (port, False) if isinstance(port, int) else (int(port.partition("/")[0]), True)
            for name, port in self.by_name.items()
        }
