"""Commands that measure the backups on a host, and remove them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def survey(folder: str) -> Command:
    """List the folders below `folder` that bear a name of ours, with their KiB."""
    return host_script("backup/survey", title="look at the sizes of backups", folder=folder)


def parse_survey(stdout: str) -> dict[str, int]:
    """Read the answer of `survey`: bytes on disk, by the folder's name."""
    found: dict[str, int] = {}
    for line in stdout.splitlines():
        count, _, name = line.partition(" ")
        if count.isdigit() and name:
            found[name] = int(count) * 1024
    return found


def remove(folder: str, names: Sequence[str]) -> Command:
    """Remove backups below `folder`; only under the lock.

    Raises:
        ValueError: for a name that leads anywhere else.
    """
    if any("/" in name or name.startswith(".") or not name for name in names):
        raise ValueError(f"not names of backups: {names!r}")
    return host_script("backup/remove", title="remove backups", folder=folder, names=names)
