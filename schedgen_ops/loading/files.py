"""Which files there are: the config folder, its environments, their bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from schedgen_ops.errors import ConfigError

FOLDER = "config"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_HOSTS_FILE = re.compile(rb"^hosts_file:[ \t]*[\"']?([^\"'#\r\n]+?)[\"']?[ \t]*(?:#|\r?$)", re.MULTILINE)


def find_folder(root: Path, environ: Mapping[str, str], env: str | None = None) -> Path:
    """Return the config folder: SCHEDGEN_CONFIG, else the first `config` from `root` up that has `env`.

    Without `env`, or where no folder holds it, the first one that holds any environment.

    Raises:
        ConfigError: there is none.
    """
    if chosen := environ.get("SCHEDGEN_CONFIG"):
        folder = expanded(root, chosen)
        if folder is None or not _is_dir(folder):
            raise ConfigError(f"SCHEDGEN_CONFIG names {chosen!r}, which is no folder")
        return folder
    folders = [folder for above in (root, *root.parents) if environments(folder := above / FOLDER)]
    if not folders:
        raise ConfigError(
            f"there is no {FOLDER} folder with an environment in {root} or above it",
            hint=f"Make {FOLDER}/production.yaml, or name the folder in SCHEDGEN_CONFIG.",
        )
    return next((folder for folder in folders if env in environments(folder)), folders[0])


def environments(folder: Path) -> tuple[str, ...]:
    """Return the names of the environments in `folder`, sorted. A file of another one's hosts is none."""
    if not _is_dir(folder):
        return ()
    files = {file.resolve(): file.stem for file in folder.glob("*.yaml") if NAME.match(file.stem)}
    for file in tuple(files):
        for name in _HOSTS_FILE.findall(_bytes(file)):
            if b"\0" not in name:
                files.pop((folder / os.fsdecode(name)).resolve(), None)
    return tuple(sorted(files.values()))


def expanded(folder: Path, name: str) -> Path | None:
    """Return `name` as seen from `folder`, with `~` replaced; None for the home of an unknown user."""
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:
        return None


def read(file: Path) -> bytes | str:
    """Return the bytes of `file`, or the reason why it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _bytes(file: Path) -> bytes:
    content = read(file)
    return content if isinstance(content, bytes) else b""


def _is_dir(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except ValueError:
        return False


def display(file: Path, root: Path) -> str:
    """Return `file` as an operator in `root` would name it, whichever is shorter."""
    relative = os.path.relpath(file, root)
    return relative if len(relative) < len(str(file)) else str(file)
