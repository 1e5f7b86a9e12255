"""The sampler: what a host runs to look at itself again and again, a round at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command, Value

_ENGINE_PATIENCE = 20


def sample(
    docker: Docker,
    project: str,
    checks: Sequence[Check],
    *,
    rounds: int,
    interval: float,
    patience: float,
    log_rounds: int = 1,
    extra: Mapping[str, Command] | None = None,
) -> Command:
    """Looks at the host in `rounds` rounds, `interval` seconds apart; `sample.Reader` reads what it prints.

    Args:
        rounds: 0 goes on until it is ended.
        patience: seconds after which a request is given up.
        log_rounds: the logs are looked into in every so many rounds.
        extra: further commands of each round, by names; their lines come in `HostSample.extra`.
    """
    told = values(
        docker,
        project,
        checks,
        rounds=rounds,
        interval=interval,
        patience=patience,
        log_rounds=log_rounds,
        extra=extra,
    )
    return host_script("watch/sample", title="watch", **told)


def values(
    docker: Docker,
    project: str,
    checks: Sequence[Check],
    *,
    rounds: int,
    interval: float,
    patience: float,
    log_rounds: int = 1,
    extra: Mapping[str, Command] | None = None,
) -> dict[str, Value]:
    """Return what the sampler's script is given, by name; see `sample`."""
    further = [word for name, command in (extra or {}).items() for word in (name, command.text)]
    # An engine that hangs leaves a round without containers; it does not end the watch.
    words = ("timeout", "-k", "2", str(_ENGINE_PATIENCE), *docker.words)
    return {
        "docker": words,
        "rounds": rounds,
        "interval": round(interval * 1e6),
        "log_rounds": max(1, log_rounds),
        "patience": patience,
        "filter": f"label={PROJECT_LABEL}={project}",
        "urls": tuple(check.url for check in checks),
        "extra": tuple(further),
    }
