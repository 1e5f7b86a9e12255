"""The prober's command. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.proxy import Proxy
from schedgen_ops.settings import Check
from schedgen_ops.shell import Command

_DOCKER = Docker()


def probe(
    checks: Sequence[Check],
    *,
    silence: int,
    pause: float,
    patience: float,
    proxy: Proxy,
    docker: Docker = _DOCKER,
    project: str = "",
) -> Command:
    """Return the command that asks the checks' URLs again and again, and says what they answered.

    Args:
        silence: seconds without a line on stdin after which it ends.
        pause: seconds from an answer to the next request.
        patience: seconds after which a request has failed.
        proxy: the ingress.
        project: the compose project whose ingress it is.
    """
    return host_script(
        "probe/probe",
        title="probe",
        docker=docker.words,
        project=project,
        proxy=proxy.name,
        urls=[check.asked for check in checks],
        silence=silence,
        pause=pause,
        patience=patience,
    )
