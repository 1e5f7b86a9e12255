"""The sampler: what a host runs to look at itself again and again, a round at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, Value
from schedgen_ops.watch import rules

# Whoever samples without a watch does not pay for what judges one.
if TYPE_CHECKING:
    from schedgen_ops.watch.stats import WatchStats

_ENGINE_PATIENCE = 20
# Seconds between two looks into the logs during a watch.
_LOGS_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is looked at again and again, and how often.

    Attributes:
        rounds: how many; 0 goes on until it is ended. They are `interval` seconds apart.
        patience: seconds after which a request is given up.
        log_rounds: the logs are looked into in every so many rounds.
        extra: further commands of each round, by names; their lines come in `HostSample.extra`.
    """

    docker: Docker
    project: str
    checks: Sequence[Check]
    rounds: int
    interval: float
    patience: float
    log_rounds: int = 1
    extra: Mapping[str, Command] = field(default_factory=dict)

    @property
    def command(self) -> Command:
        """The command that looks at the host; `host_sample.Reader` reads what it prints."""
        return host_script("watch/sample", title="watch", **self.values)

    @property
    def values(self) -> dict[str, Value]:
        """What the sampler's script is given, by name."""
        further = [word for name, command in self.extra.items() for word in (name, command.text)]
        # An engine that hangs leaves a round without containers; it does not end the watch.
        words = ("timeout", "-k", "2", str(_ENGINE_PATIENCE), *self.docker.words)
        return {
            "docker": words,
            "rounds": self.rounds,
            "interval": round(self.interval * 1e6),
            "log_rounds": max(1, self.log_rounds),
            "patience": self.patience,
            "filter": f"label={PROJECT_LABEL}={self.project}",
            "urls": tuple(check.asked for check in self.checks),
            "extra": tuple(further),
        }


def of_watch(docker: Docker, project: str, stats: WatchStats, rounds: int) -> Sampling:
    """Return how a watch is sampled, over a connection or without one.

    Args:
        rounds: those that are left of it.
    """
    interval, checks = stats.rounds.interval, stats.checks
    log_rounds = max(1, round(_LOGS_EVERY / interval))
    return Sampling(docker, project, checks, rounds, interval, rules.patience(checks), log_rounds)
