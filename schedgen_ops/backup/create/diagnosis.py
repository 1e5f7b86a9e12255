"""The cause of a failed backup or restore, read from what programs said, and its remedy. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.settings import Settings


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that an operator can remedy."""

    sentence: str
    hint: str


def cause(said: str, settings: Settings) -> Cause | None:
    """Return the first known cause in `said`, the text of a failure; None where none is known."""
    text = said.lower()
    for pattern, found in _known(settings):
        if re.search(pattern, text):
            return found
    return None


def went_away(service: str) -> Cause:
    """Return the cause where a service stopped, or was restarted, in the middle of a backup or restore."""
    return Cause(
        f"the service {service} went away or does not answer",
        f"Look at it: `docker compose ps {service}`, `docker compose logs {service}` on the host.",
    )


def _known(settings: Settings) -> tuple[tuple[str, Cause], ...]:
    folder = settings.backup.directory
    service = settings.database.service if settings.database else "the database"
    user = settings.database.user if settings.database else ""
    return (
        (
            r"no space left|disk quota exceeded",
            Cause(
                "the disk is full",
                "Free some space: `df -h` tells which disk, `docker system df` what Docker holds of it.",
            ),
        ),
        (
            r"docker daemon socket|docker\.sock",
            Cause("Docker refuses this user", "Add the user to the group docker, or set `sudo: true`."),
        ),
        (
            r"(zstd|gzip) is not installed",
            Cause(
                "a program is missing", "Install it on the host, or set `backup.compression` to gzip or auto."
            ),
        ),
        (
            r"password authentication failed|no password supplied",
            Cause(
                f"the database refuses the password of {user}",
                f"Compare POSTGRES_PASSWORD in {settings.env_file} with the database's own, which it got "
                "when it was created; `ALTER ROLE` changes that one.",
            ),
        ),
        (
            r'role "[^"]*" does not exist|database "[^"]*" does not exist|permission denied for',
            Cause(
                f"the database does not let {user} in",
                "Compare POSTGRES_USER and POSTGRES_DB of the service with `database` in "
                f"config/{settings.environment}.yaml.",
            ),
        ),
        (
            r"server closed the connection|terminating connection|the connection to the server was lost|"
            r"connection to server|could not connect|shutting down|starting up|recovery mode|"
            r"is not running|no such container|cannot exec|does not answer",
            went_away(service),
        ),
        (
            r"row-level security|row security policy",
            Cause(
                f"{user} may not read every row",
                f"Row security hides rows from {user}: let it bypass that, by ALTER ROLE ... BYPASSRLS, or "
                "name a superuser in database.user.",
            ),
        ),
        (
            r"permission denied|read-only file system|operation not permitted|cannot be written",
            Cause(
                f"{folder} is not writable for this user",
                f"Look at its owner and mode: `ls -ld {folder}` in {settings.directory}; "
                "it must belong to the user that we log in as.",
            ),
        ),
    )
