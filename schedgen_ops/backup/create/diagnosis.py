"""The cause of a failed backup or restore, read from what programs said, and its remedy. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schedgen_ops.databases import engine_of
from schedgen_ops.databases.contract import FailureCause
from schedgen_ops.settings import Settings


def cause(said: str, settings: Settings) -> FailureCause | None:
    """Return the first known cause in `said`, the text of a failure; None where none is known."""
    text = said.lower()
    for pattern, found in _known(settings):
        if re.search(pattern, text):
            return found
    return None


def went_away(service: str) -> FailureCause:
    """Return the cause where a service stopped, or was restarted, in the middle of a backup or restore."""
    return FailureCause(
        f"the service {service} went away or does not answer",
        f"`inv logs {service}` tells what it said, `inv doctor` looks for the cause.",
    )


def _known(settings: Settings) -> Iterator[tuple[str, FailureCause]]:
    folder, database = settings.backup.directory, settings.database
    away = r"is not running|no such container|cannot exec|does not answer"
    yield (
        r"no space left|disk quota exceeded",
        FailureCause(
            "the disk is full",
            "Free some space: `inv ops.prune` removes what Docker keeps for nobody, "
            "`inv backup.prune` old backups.",
        ),
    )
    yield (
        r"docker daemon socket|docker\.sock",
        FailureCause("Docker refuses this user", "Add the user to the group docker, or set `sudo: true`."),
    )
    yield (
        r"(zstd|gzip) is not installed",
        FailureCause(
            "a program is missing", "Install it on the host, or set `backup.compression` to gzip or auto."
        ),
    )
    if database:
        yield from engine_of(database.engine).causes(settings, database)
        away = f"{engine_of(database.engine).away}|{away}"
    yield away, went_away(database.service if database else "the database")
    yield (
        r"permission denied|read-only file system|operation not permitted|cannot be written",
        FailureCause(
            f"{folder} is not writable for this user",
            f"Look at its owner and mode: `ls -ld {folder}` in {settings.directory}; "
            "it must belong to the user that we log in as.",
        ),
    )
