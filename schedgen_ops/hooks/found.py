"""Which hooks a folder has. What could never be called is refused, before any host is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from schedgen_ops.errors import ConfigError
from schedgen_ops.text import nearest

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


def find(
    folder: Path,
    services: Collection[str],
    *,
    others: bool = False,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Path]:
    """Return the hooks of a folder by name.

    Args:
        services: those that are known to have hooks of their own.
        others: whether the release may have more services, so that any name but a misspelt event may be one.
        warn: is told of a name that no hook has, in a run that calls no hooks of services; None refuses.

    Raises:
        ConfigError: for a folder that cannot be read, or with every file that is no hook.
    """
    try:
        files = sorted(path for path in folder.iterdir() if not _passed_over(path))
    except OSError as error:
        raise ConfigError(f"the folder of hooks cannot be read: {folder}: {error.strerror}") from None
    if warn:
        named = {path: _wrong_name(path.name, services, others) for path in files}
        for wrong in filter(None, named.values()):
            warn(f"{wrong} (in {folder})")
        files = [path for path, wrong in named.items() if not wrong]
    problems = tuple(problem for path in files for problem in _problems(path, services, others))
    if problems:
        raise ConfigError(
            f"{folder} has files that cannot be hooks", problems=problems, hint="docs/hooks.md has the names."
        )
    return {path.name: path.absolute() for path in files}


def _passed_over(path: Path) -> bool:
    """Whether nobody could mean a hook: notes, samples, hidden files, folders of other names."""
    named = path.name.startswith(".") or path.name.endswith(_NO_HOOKS)
    return named or (path.is_dir() and path.name not in NAMES)


def of_services(found: Iterable[str]) -> tuple[str, ...]:
    """Return those names of hooks that are of services, and of no event."""
    return tuple(name for name in found if name not in NAMES)


def unlike(name: str, services: Collection[str]) -> str:
    """Return what is wrong with a hook's name, in words, with the nearest there is; "" for nothing."""
    known = (*NAMES, *(f"{kind}-{service}" for service in services for kind in ("pre", "post")))
    if name in known:
        return ""
    near = nearest(name, known)
    return f"{name}: there is no such hook{f'; did you mean {near!r}?' if near else ''}"


def _problems(path: Path, services: Collection[str], others: bool) -> Iterator[str]:
    if wrong := _wrong_name(path.name, services, others):
        yield wrong
    elif not path.exists():
        yield f"{path.name}: is a link that leads nowhere: {path.readlink()}"
    elif not path.is_file():
        yield f"{path.name}: is no file"
    elif not os.access(path, os.X_OK):
        yield f"{path.name}: is not executable; chmod +x {path}"


def _wrong_name(name: str, services: Collection[str], others: bool) -> str:
    return "" if others and _may_be_of_a_service(name) else unlike(name, services)


def _may_be_of_a_service(name: str) -> bool:
    """Whether a name can be a service's, as far as is known before the release is: no misspelt event."""
    kind, _, service = name.partition("-")
    events = {event.partition("-")[2] for event in NAMES}
    # What only begins or ends like an event (backups, redeploy) may well be a service.
    slip = any(_is_slip(service, event) for event in events if service == event or event not in service)
    return kind in ("pre", "post") and bool(service) and not slip


def _is_slip(name: str, meant: str) -> bool:
    """Whether one letter too many, too few, another or elsewhere is all that keeps a name from another."""
    if sorted(name) == sorted(meant):
        return True
    start = _alike(name, meant)
    end = _alike(name[start:][::-1], meant[start:][::-1])
    return max(len(name), len(meant)) - start - end <= 1


def _alike(one: str, other: str) -> int:
    """How many letters are the same at the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
