"""Which hooks a folder has. What could never be called is refused, before any host is asked."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from schedgen_ops.errors import ConfigError

NAMES = (
    "pre-connect",
    "pre-deploy",
    "pre-backup",
    "post-migrate",
    "post-deploy",
    "on-failure",
    "on-rollback",
)
_NO_HOOKS = (".md", ".txt", ".sample", "~")


def find(folder: Path, services: Collection[str]) -> dict[str, Path]:
    """Return the hooks of a folder by name.

    Args:
        services: those that have hooks of their own; where none is known here, any name is one.

    Raises:
        ConfigError: for a folder that cannot be read, or with every file that is no hook.
    """
    try:
        files = sorted(path for path in folder.iterdir() if not _passed_over(path))
    except OSError as error:
        raise ConfigError(f"the folder of hooks cannot be read: {folder}: {error.strerror}") from None
    problems = tuple(problem for path in files for problem in _problems(path, services))
    if problems:
        raise ConfigError(
            f"{folder} has files that cannot be hooks", problems=problems, hint="docs/hooks.md has the names."
        )
    return {path.name: path.absolute() for path in files}


def _passed_over(path: Path) -> bool:
    """Whether nobody could mean a hook: notes, samples, hidden files, folders of other names."""
    named = path.name.startswith(".") or path.name.endswith(_NO_HOOKS)
    return named or (path.is_dir() and path.name not in NAMES)


def _problems(path: Path, services: Collection[str]) -> Iterator[str]:
    kind, _, service = path.name.partition("-")
    of_a_service = kind in ("pre", "post") and bool(service) and (not services or service in services)
    if path.name not in NAMES and not of_a_service:
        known = [*NAMES, *(f"{kind}-{name}" for name in services for kind in ("pre", "post"))]
        near = difflib.get_close_matches(path.name, known, 1)
        yield f"{path.name}: there is no such hook{f'; did you mean {near[0]!r}?' if near else ''}"
    elif not path.exists():
        yield f"{path.name}: is a link that leads nowhere: {path.readlink()}"
    elif not path.is_file():
        yield f"{path.name}: is no file"
    elif not os.access(path, os.X_OK):
        yield f"{path.name}: is not executable; chmod +x {path}"
