"""Replaces a service's containers on a host, and puts the old ones back."""

from __future__ import annotations

from collections.abc import Callable

from schedgen_ops.commands.compose import Compose
from schedgen_ops.errors import OpsError
from schedgen_ops.remote import Remote, last_lines
from schedgen_ops.telling import telling

# Compose ends by itself at the health deadline; the command's own deadline only catches a hung engine.
_MARGIN = 120.0
_LOG_LINES = 200


def replace(
    remote: Remote, compose: Compose, release: str, service: str, wait: int, show: Callable[[str], None]
) -> float:
    """Starts `service` as the release in the folder `release` defines it, and waits until it is healthy.

    Args:
        wait: seconds until it must be healthy.
        show: takes the lines that it wrote, should it fail.

    Returns:
        the seconds it took.

    Raises:
        OpsError: when it did not get healthy, with the end of its log.
    """
    command = compose.up(release, service, wait)
    answer = remote.run(command, deadline=wait + _MARGIN, check=False)
    if answer.ok:
        return answer.seconds
    logs = remote.run(compose.logs(release, service, _LOG_LINES), deadline=30, check=False).lines()
    for line in logs:
        show(f"{service} | {line}")
    said = last_lines(command, answer).splitlines()[-1:]
    raise OpsError(
        f"Service {service} failed health check after {answer.seconds:.0f}s",
        host=remote.name,
        detail="\n".join([*said, *telling(logs)]),
        hint=f"Mend {service} and deploy again. The run's log has the last {_LOG_LINES} lines it wrote.",
    )


def remove(remote: Remote, compose: Compose, release: str, service: str) -> None:
    """Takes away the containers of a service that the release before did not have."""
    remote.run(compose.stop(release, service), deadline=_MARGIN)
