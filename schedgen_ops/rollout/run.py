"""Replaces a service's containers on a host, and puts the old ones back."""

from __future__ import annotations

from schedgen_ops.commands.compose import Compose
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.remote import Remote

# Compose ends by itself at the health deadline; the command's own deadline only catches a hung engine.
_MARGIN = 120.0
_LOG_LINES = 20


def replace(remote: Remote, compose: Compose, release: str, service: str, wait: int) -> float:
    """Starts `service` as the release in the folder `release` defines it, and waits until it is healthy.

    Args:
        wait: seconds until it must be healthy.

    Returns:
        the seconds it took.

    Raises:
        OpsError: when it did not get healthy, with the last lines of its log.
    """
    try:
        return remote.run(compose.up(release, service, wait), deadline=wait + _MARGIN).seconds
    except CommandFailed as error:
        raise _unhealthy(remote, compose, release, service, error) from error


def remove(remote: Remote, compose: Compose, release: str, service: str) -> None:
    """Takes away the containers of a service that the release before did not have."""
    remote.run(compose.stop(release, service), deadline=_MARGIN)


def _unhealthy(
    remote: Remote, compose: Compose, release: str, service: str, error: CommandFailed
) -> OpsError:
    options = ("logs", "--no-color", "--no-log-prefix", "--tail", str(_LOG_LINES), service)
    logs = remote.run(compose.of(release, *options).with_stderr(), deadline=30, check=False)
    said = error.detail.splitlines()[-1:] or [error.message]
    return OpsError(
        f"Service {service} failed health check",
        host=remote.name,
        detail="\n".join([*said, f"its log, the last {_LOG_LINES} lines:", logs.stdout.rstrip()]),
        hint=f"Mend {service} and deploy again. Its whole log was shown by "
        f"`docker compose logs {service}` until it was replaced.",
    )
