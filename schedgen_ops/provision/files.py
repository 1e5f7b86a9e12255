"""The files of a project on this machine, packed for a host that gets no clone."""

from __future__ import annotations

import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from schedgen_ops.errors import ConfigError
from schedgen_ops.settings import Settings

LARGEST = 16 * 2**20
_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_NEVER = (".git", ".schedgen")


@dataclass(frozen=True, slots=True)
class Packed:
    """Files, and the tar with them.

    Attributes:
        folder: where they are, as it was named.
        names: their paths below it.
        data: the tar, compressed.
    """

    folder: str
    names: tuple[str, ...]
    data: bytes


NO_FILES = Packed("", (), b"")
"""What is brought where nothing is."""


def pack(settings: Settings, folder: str) -> Packed:
    """Pack a folder with a compose file and what that mounts.

    The env file is left out where it is delivered otherwise, and so are backups and what git keeps.

    Raises:
        ConfigError: where there is no such folder, it has no compose file, or something in it that no project
            has: a link that leads out of it, a device, or more than 16 MiB.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise ConfigError(
            f"there is no folder {folder}", hint="--files takes the folder of the compose file."
        )
    left_out = {*_NEVER, settings.backup.directory, *([settings.env_file] if settings.delivered else ())}
    names = tuple(
        name for name in _below(root) if name.split("/")[0] not in left_out and name not in left_out
    )
    wanted = [file for file in settings.compose_files if not file.startswith("/")]
    missing = [file for file in wanted if file not in names]
    if missing or not (settings.compose_files or {*_NAMES} & {*names}):
        raise ConfigError(f"{folder} has no {' and no '.join(missing) or _NAMES[0]}")
    if sum((root / name).lstat().st_size for name in names) > LARGEST:
        raise ConfigError(
            f"{folder} has more than 16 MiB", hint="Large files are data: bring them otherwise."
        )
    told = io.BytesIO()
    with tarfile.open(fileobj=told, mode="w:gz") as tar:
        for name in names:
            tar.add(root / name, name, recursive=False, filter=_nobody)
    return Packed(folder, names, told.getvalue())


def _below(root: Path) -> list[str]:
    """Every file and link of a folder, and every folder that has none."""
    found = []
    for at, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        links = [name for name in folders if (Path(at) / name).is_symlink()]
        for name in (*files, *links, *(("",) if not (files or folders) else ())):
            path = Path(at) / name
            _belongs(root, path)
            found.append(str(path.relative_to(root)))
    return sorted(name for name in found if name != ".")


def _belongs(root: Path, path: Path) -> None:
    if path.is_symlink():
        target = (path.parent / path.readlink()).resolve()
        if path.readlink().is_absolute() or not target.is_relative_to(root.resolve()):
            raise ConfigError(f"{path} is a link that leads out of {root}")
    elif not (path.is_file() or path.is_dir()):
        raise ConfigError(f"{path} is neither a file nor a folder")


def _nobody(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whose it is here says nothing there."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
