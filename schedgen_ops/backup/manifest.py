"""What a backup says of itself. A folder without a manifest that says DONE is no backup. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime

from schedgen_ops import stored

DATABASE = "database.sql.gz"
OBJECTS = "objects.tar.gz"
MANIFEST = "manifest.json"

_ID = re.compile(r"[a-z]+(?:-[a-z]+)*-\d{8}_\d{6}\Z")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a backup: its name, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup.

    Attributes:
        id: the folder's name: pre-deployment-20241130_143000.
        release: the release that served when it was made, "" if that is not known.
        state: DONE once every check passed.
        created, finished: RFC 3339 in UTC.
        objects: how many entries the objects' archive has.
        verified: the checks that it passed.
    """

    id: str
    release: str
    commit: str
    state: str
    created: str
    finished: str
    files: tuple[File, ...]
    objects: int = 0
    verified: tuple[str, ...] = ()
    format: int = 1

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)

    def has(self, name: str) -> bool:
        """Whether the backup holds that file."""
        return any(file.name == name for file in self.files)


def backup_id(kind: str, now: datetime) -> str:
    """The name of a backup's folder: `kind` is pre-deployment or manual, `now` in UTC."""
    return f"{kind}-{now:%Y%m%d_%H%M%S}"


def is_backup_id(name: str) -> bool:
    """Whether `name` is a folder that we would make."""
    return bool(_ID.match(name))


def to_json(manifest: Manifest) -> str:
    """The manifest as one line of JSON."""
    return json.dumps(asdict(manifest), separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Manifest:
    """Reads a manifest; keys that a newer version wrote are passed over.

    Raises:
        ValueError: where it is none.
    """
    data = stored.decode(text)
    manifest = stored.build(
        Manifest,
        data,
        files=tuple(stored.build(File, file) for file in stored.rows(data.get("files"))),
        verified=stored.texts(data.get("verified", [])),
    )
    if not is_backup_id(manifest.id):
        raise ValueError(f"not a backup's name: {manifest.id!r}")
    if datetime.fromisoformat(manifest.created).tzinfo is None:
        raise ValueError(f"not a time in UTC: {manifest.created!r}")
    return manifest


def parse_files(stdout: str) -> tuple[tuple[File, ...], int]:
    """The files of a new backup and the number of objects: lines `file NAME SIZE SHA256` and `objects N`.

    Raises:
        ValueError: for anything else.
    """
    found, objects = [], 0
    for line in stdout.splitlines():
        match line.split():
            case ["file", name, size, sha256] if re.fullmatch(r"[0-9a-f]{64}", sha256):
                found.append(File(name, int(size), sha256))
            case ["objects", count]:
                objects = int(count)
            case _:
                raise ValueError(f"a backup answered {line!r}")
    return tuple(found), objects


def newest_first(manifests: tuple[Manifest, ...]) -> tuple[Manifest, ...]:
    """The finished ones, newest first."""
    done = (manifest for manifest in manifests if manifest.state == "DONE")
    return tuple(sorted(done, key=lambda manifest: (manifest.created, manifest.id), reverse=True))
