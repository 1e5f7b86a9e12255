"""The disk space that a backup will take, reckoned before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schedgen_ops import events
from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.catalog.manifest import File, Manifest
from schedgen_ops.backup.create import run
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import Refused
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.objects import store_of
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command
from schedgen_ops.text import size

# What a dump and an archive shrink to is known from the last backup; some rows and objects shrink less.
MARGIN = 1.25
# Before the first backup: for the progress, a guess; for the room, that nothing shrinks.
_GUESS = 0.5
# Manifest, configuration, and what a file system keeps for itself.
_SPARE = 8 * 1024**2
_DU_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Capacity:
    """The size of what is backed up and the space for it, in bytes.

    Attributes:
        free: on the file system of the backups.
        held: by part: the database, and the objects; what is not known is left out.
    """

    free: int
    held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The bytes that a backup will take, by part: `likely` for the progress, `most` for safety."""

    likely: Mapping[str, int]
    most: Mapping[str, int]

    @property
    def needed(self) -> int:
        """The bytes that must be free."""
        return sum(self.most.values()) + _SPARE


def look(settings: Settings, source: run.Source, parts: frozenset[str] = run.ALL) -> Command:
    """Ask for the sizes of what will be backed up; to be run in the project's directory."""
    docker, database, objects = Docker(settings.sudo), settings.database, settings.objects
    held = {"database": "", "objects": ""}
    if database and "database" in parts and (found := source.container(database.service)):
        held["database"] = engine_of(database.engine).size(docker, found.id, database).text
    if objects and "objects" in parts and (found := source.container(objects.service)):
        held["objects"] = store_of(objects.kind).size(docker, found.id, objects).text
    return host_script(
        "backup/capacity",
        title="look at the room for a backup",
        folder=settings.backup.directory,
        database=held["database"],
        objects=held["objects"],
        patience=_DU_SECONDS,
    )


def parse(stdout: str) -> Capacity:
    """Read the answer of `look`.

    Raises:
        ValueError: where the free space is not in it.
    """
    found: dict[str, int] = {}
    for line in stdout.splitlines():
        name, _, count = line.partition(" ")
        if count.isdigit():
            found[name] = int(count)
    if "free" not in found:
        raise ValueError(f"no free space in {stdout!r}")
    return Capacity(found.pop("free"), found)


def estimate(held: Mapping[str, int], last: Manifest | None) -> Estimate:
    """Estimate what each part will come to, from what the last backup shrank to."""
    files = {"database": last.database, "objects": last.archive} if last else {}
    ratios = {part: _ratio(files.get(part), last.sizes.get(part, 0) if last else 0) for part in held}
    likely = {part: round(count * (ratios[part] or _GUESS)) for part, count in held.items()}
    most = {part: round(count * (ratios[part] * MARGIN or 1.0)) for part, count in held.items()}
    return Estimate(likely, most)


def _ratio(file: File | None, before: int) -> float:
    """What became of a byte; 0 where nobody knows."""
    return file.size / before if file and before else 0.0


def ensured(host: HostContext, source: run.Source, parts: frozenset[str] = run.ALL) -> dict[str, int]:
    """Make sure that a backup fits on the disk, and return what each part will likely come to, in bytes.

    Raises:
        Refused: where the disk has no room for it.
    """
    asked = look(host.settings, source, parts)
    capacity = parse(host.in_project(asked, 60 + _DU_SECONDS).stdout)
    last = selection.newest(run.catalog(host), database="database" in capacity.held)
    # What could not be asked is taken to be as it was.
    before = last.sizes if last else {}
    held = {part: before[part] for part in sorted(parts) if part in before} | dict(capacity.held)
    guess = estimate(held, last)
    if capacity.free < guess.needed:
        what = ", ".join(f"{part} {size(count)}" for part, count in held.items())
        raise Refused(
            f"a backup may take {size(guess.needed)}, and {size(capacity.free)} are free for it",
            host=host.name,
            detail=f"on the disk of {host.settings.backup.directory}; to be backed up: {what}",
            hint="`inv backup.prune` removes old backups; `inv ops.prune` what Docker keeps for nobody.",
        )
    host.emit(events.Fact("backup_estimate", dict(guess.likely), host.name))
    return dict(guess.likely)
