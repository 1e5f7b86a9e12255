"""The check of a backup: every file is read again from the disk, to its end. Pure."""

from __future__ import annotations

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command


def verify(folder: str, manifest: m.Manifest) -> Command:
    """Read every file of a backup to its end, and tell what is wrong."""
    return host_script(
        "backup/verify",
        title="verify the backup",
        engine=manifest.engine,
        folder=folder,
        names=[file.name for file in manifest.files],
        sizes=[str(file.size) for file in manifest.files],
        sums=[file.sha256 for file in manifest.files],
    )


def parse_verified(stdout: str, manifest: m.Manifest) -> tuple[str, ...]:
    """Return what is wrong with a backup, by the answer of `verify`; () if nothing is.

    Raises:
        ValueError: for anything else.
    """
    wrong, objects = [], None
    for line in stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "wrong":
            wrong.append(rest)
        elif word == "objects":
            objects = int(rest.split()[0])
        else:
            raise ValueError(f"a backup's verification answered {line!r}")
    if objects is not None and objects != manifest.objects:
        wrong.append(f"the archive has {objects} objects instead of {manifest.objects}")
    return tuple(wrong)
