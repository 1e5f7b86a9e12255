"""A backup's manifest: a folder without one that says DONE is no backup. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, TypeGuard

from schedgen_ops import databases, json_records

MANIFEST = "manifest.json"
FORMAT = 2

# The name of a backup's folder: its kind, and when it was made by its host's clock.
BackupId = NewType("BackupId", str)

_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)-(\d{8}_\d{6})\Z")


class BackupState(StrEnum):
    """The state of a backup: only one that is DONE counts."""

    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"


class Kind(StrEnum):
    """The reason for a backup, the first word of its id."""

    PRE_DEPLOYMENT = "pre-deployment"
    MANUAL = "manual"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup: its name, its size in bytes, its SHA-256 in hex."""

    name: str
    size: int
    sha256: str

    @property
    def compression(self) -> str:
        """The compression: "gzip", "zstd", or "" for none."""
        by_name = {".gz": "gzip", ".zst": "zstd"}
        return next((how for end, how in by_name.items() if self.name.endswith(end)), "")


@dataclass(frozen=True, slots=True)
class DrillResult:
    """A restore into a throwaway database: when (RFC 3339 in UTC), how many seconds it took, how it went.

    Attributes:
        result: "passed", or what was wrong.
    """

    at: str
    seconds: float
    result: str

    @property
    def passed(self) -> bool:
        """Whether the backup was proven."""
        return self.result == "passed"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy elsewhere: when (RFC 3339 in UTC) and where it was tried, and how it went.

    Attributes:
        result: "passed" once size and SHA-256 of every file were right there, or what was wrong.
    """

    at: str
    where: str
    result: str

    @property
    def passed(self) -> bool:
        """Whether the copy was complete and right."""
        return self.result == "passed"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup.

    Attributes:
        id: the folder's name: pre-deployment-20241130_143000.
        release: the release that served when it was made, "" if that is not known.
        created, finished: RFC 3339 in UTC.
        objects: how many entries the objects' archive has.
        verified: the checks that it passed.
        seconds: how long it took.
        engine: of the database.
        server, image: the database server's version, and the id of the image that it ran from.
        rows: how many rows each table had, by schema.table, in the snapshot that was dumped.
        migrations: names of the applied migrations, in their order.
        roles: the database roles that the dump may speak of.
        sizes: bytes that the database took on disk, and the objects' archive before compression.
        drill: the last restore that was tried.
        offsite: the last copy elsewhere that was tried.
        error: why it failed.
        number: one more than the newest backup had that was there before; 0 where that was not counted yet.
        properties: what the database is besides what is in it, for its engine.
    """

    id: BackupId
    release: str
    commit: str
    state: BackupState
    created: str
    finished: str
    files: tuple[File, ...]
    objects: int = 0
    verified: tuple[str, ...] = ()
    seconds: float = 0.0
    engine: str = databases.DEFAULT
    server: str = ""
    image: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    migrations: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    drill: DrillResult | None = None
    offsite: Copy | None = None
    error: str = ""
    number: int = 0
    properties: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def kind(self) -> Kind:
        """The reason for the backup, from its id."""
        match = _ID.match(self.id)
        return Kind(match[1]) if match else Kind.MANUAL

    @property
    def size(self) -> int:
        """The bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def good(self) -> bool:
        """Whether the backup is complete and checked."""
        return self.state is BackupState.DONE

    @property
    def proven(self) -> bool:
        """Whether the last drill of it passed."""
        return self.good and self.drill is not None and self.drill.passed

    @property
    def database(self) -> File | None:
        """The file of the database's dump; None without one."""
        return self._part("database.")

    @property
    def archive(self) -> File | None:
        """The file of the objects' archive; None without one."""
        return self._part("objects.")

    def _part(self, prefix: str) -> File | None:
        return next((file for file in self.files if file.name.startswith(prefix)), None)

    def has(self, name: str) -> bool:
        """Return whether the backup holds a file of that name."""
        return any(file.name == name for file in self.files)

    @property
    def database_format(self) -> str:
        """The dump's format: "plain" (SQL), "custom" (its engine's own), or "" without a dump."""
        dump = self.database
        return "" if dump is None else "custom" if dump.name.startswith("database.dump") else "plain"


def backup_id(kind: Kind, now: datetime) -> BackupId:
    """Return the id of a backup that is made now, in UTC."""
    return BackupId(f"{kind}-{now:%Y%m%d_%H%M%S}")


def is_backup_id(name: str) -> TypeGuard[BackupId]:
    """Return whether a folder's name has the exact form of an id."""
    match = _ID.match(name)
    return match is not None and match[1] in [*Kind]


def to_json(manifest: Manifest) -> str:
    """Return the manifest as one line of JSON with a checksum of its own."""
    return _sealed(asdict(manifest))


def _sealed(data: Mapping[str, Any]) -> str:
    bare = {key: value for key, value in data.items() if key != "checksum"}
    return _line({**bare, "checksum": hashlib.sha256(_line(bare).encode()).hexdigest()})


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Manifest:
    """Read a manifest; keys that a newer version wrote are passed over.

    Raises:
        ValueError: where it is none, or was altered since it was written.
    """
    data = json_records.decode(text)
    sealed = "checksum" in data or data.get("format", FORMAT) != 1
    if sealed and text.strip() != _sealed(data):
        raise ValueError("the manifest does not fit its own checksum")
    manifest = json_records.parse(Manifest, text)
    if not is_backup_id(manifest.id):
        raise ValueError(f"not a backup's name: {manifest.id!r}")
    if datetime.fromisoformat(manifest.created).tzinfo is None:
        raise ValueError(f"not a time in UTC: {manifest.created!r}")
    return manifest


def failed(manifest: Manifest, error: str, finished: str, seconds: float) -> Manifest:
    """Return the record of a failed backup: no files, and the error."""
    return replace(
        manifest,
        state=BackupState.FAILED,
        files=(),
        error=error,
        finished=finished,
        seconds=round(seconds, 1),
    )


def newest_first(manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """Return the good backups, newest first."""
    return tuple(sorted((each for each in manifests if each.good), key=order, reverse=True))


def order(manifest: Manifest) -> tuple[int, str, str]:
    """Return what sorts a host's backups as they were made: the number, and the time where there is none."""
    return manifest.number, manifest.created, manifest.id
