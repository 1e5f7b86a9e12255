"""Commands that finish, list and sweep backups on a host, and the lines that restore by hand. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.databases import ENGINES, engine_of
from schedgen_ops.host_scripts import host_script
from schedgen_ops.objects import store_of
from schedgen_ops.settings import Database, Objects
from schedgen_ops.shell import Command, quote, sh

_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_IMAGE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.:@/-]*)?\Z")


def finish(folder: str, manifest: m.Manifest) -> Command:
    """Give a checked backup its manifest and its name."""
    data = m.to_json(manifest)
    command = host_script("backup/finish", title="finish the backup", folder=folder, bytes=_bytes(data))
    return command.with_stdin(data)


def fail(folder: str, manifest: m.Manifest) -> Command:
    """Remove an unfinished backup, and leave the record that says why."""
    data = m.to_json(manifest)
    title, size = "record the failed backup", _bytes(data)
    command = host_script("backup/fail", title=title, folder=folder, bytes=size, id=manifest.id)
    return command.with_stdin(data)


def update(folder: str, manifest: m.Manifest) -> Command:
    """Replace the manifest of a backup, complete or not at all."""
    data = m.to_json(manifest)
    command = host_script("backup/update", title="update the manifest", folder=folder, bytes=_bytes(data))
    return command.with_stdin(data)


def _bytes(data: str) -> int:
    return len(data.encode())


def sweep(folder: str) -> Command:
    """Remove the unfinished backups that a killed run left; only under the lock."""
    return host_script("backup/sweep", title="sweep unfinished backups", folder=folder)


def list_(folder: str) -> Command:
    """List every manifest below `folder`, one a line."""
    return host_script("backup/list", title="list backups", folder=folder)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The backups that a host keeps.

    Attributes:
        backups: all that could be read, whatever their state.
        unreadable: folders with our kind of name and no manifest that can be trusted.
    """

    backups: tuple[m.Manifest, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def good(self) -> tuple[m.Manifest, ...]:
        """The good backups, newest first."""
        return m.newest_first(self.backups)


def parse_catalog(stdout: str) -> Catalog:
    """Read the answer of `list_`; a torn or altered manifest, or another folder's, is no backup."""
    found, unreadable = [], []
    for line in filter(None, stdout.splitlines()):
        name, _, text = line.partition(" ")
        try:
            manifest = m.from_json(text)
        except ValueError:
            manifest = None
        if manifest is not None and name == _folder(manifest) and _plain(manifest):
            found.append(manifest)
        elif m.is_backup_id(name):
            unreadable.append(name)
    return Catalog(tuple(found), tuple(unreadable))


def _folder(manifest: m.Manifest) -> str:
    return f"{manifest.id}.part" if manifest.state is m.BackupState.STARTED else manifest.id


def _plain(manifest: m.Manifest) -> bool:
    """Whether what becomes a path or a word of a command can be no more than a name."""
    plain = all(_FILE.match(file.name) for file in manifest.files)
    return plain and manifest.engine in ENGINES and _IMAGE.match(manifest.image) is not None


def restore_database(directory: str, folder: str, database: Database, dump: m.File) -> str:
    """Return the line that an operator types on the host to restore the database by hand."""
    form = "custom" if dump.name.startswith("database.dump") else "plain"
    program = engine_of(database.engine).by_hand(database, form)
    restore = sh("docker", "compose", "exec", "-T", database.service, *program)
    return f"cd {quote(directory)} && {unpack(folder, dump).text} | {restore.text}"


def restore_objects(directory: str, folder: str, objects: Objects, archive: m.File) -> str:
    """Return the line that an operator types on the host to put the objects back by hand."""
    copy = sh("docker", "compose", *store_of(objects.kind).by_hand(objects))
    return f"cd {quote(directory)} && {unpack(folder, archive).text} | {copy.text}"


def unpack(folder: str, file: m.File) -> Command:
    """Write a file of a backup to stdout, uncompressed."""
    program = {"gzip": ("gunzip", "-c"), "zstd": ("zstd", "-dc")}.get(file.compression, ("cat",))
    return sh(*program, f"{folder}/{file.name}")
