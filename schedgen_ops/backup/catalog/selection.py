"""The choice of a backup, by its id or by what it holds. Pure."""

from __future__ import annotations

from schedgen_ops.backup.catalog.manifest import Kind, Manifest
from schedgen_ops.backup.catalog.remote_commands import Catalog
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.settings import HostSettings, Settings


def newest(catalog: Catalog, *, database: bool = False, objects: bool = False) -> Manifest | None:
    """Return the newest good backup that holds what is asked for; None where there is none.

    A safety copy is none: it holds what was there when something was wrong.
    """
    for backup in catalog.good:
        held = (backup.database or not database) and (backup.archive or not objects)
        if held and backup.kind is not Kind.SAFETY:
            return backup
    return None


def whole(catalog: Catalog, settings: Settings, host: HostSettings) -> Manifest | None:
    """Return the newest good backup with all data of a host; None where there is none."""
    database = bool(settings.database and host.runs(settings.database.service))
    objects = bool(settings.objects and host.runs(settings.objects.service))
    return newest(catalog, database=database, objects=objects)


def last(catalog: Catalog, settings: Settings, host: HostSettings) -> Manifest:
    """Return the newest good backup with all data of a host, or with a part of it where no other is.

    Raises:
        OpsError: where there is none.
    """
    found = whole(catalog, settings, host) or newest(catalog)
    if found is None:
        raise OpsError("there is no good backup here", host=host.name, hint="`inv backup` makes one.")
    return found


def named(catalog: Catalog, wanted: str, host: str) -> Manifest:
    """Return the good backup whose id is or begins with `wanted`.

    Raises:
        ConfigError: for none, or several.
        OpsError: for one that is damaged or failed.
    """
    fits = [backup for backup in catalog.backups if wanted and backup.id.startswith(wanted)]
    exact = [backup for backup in fits if backup.id == wanted]
    # One that failed is in nobody's way.
    fits = exact or [backup for backup in fits if backup.good] or fits
    torn = [name for name in catalog.unreadable if wanted and name.startswith(wanted)]
    if not fits and torn:
        raise damaged(torn[0], host)
    if len(fits) != 1:
        ids = ", ".join(backup.id for backup in fits)
        text = (
            f"{wanted!r} begins several backups: {ids}"
            if fits
            else f"there is no backup {wanted!r} on {host}"
        )
        raise ConfigError(text, hint="`inv backup.list` shows them.")
    if not fits[0].good:
        state = fits[0].state
        raise OpsError(f"backup {fits[0].id} is {state} and cannot be used", host=host, detail=fits[0].error)
    return fits[0]


def chosen(catalog: Catalog, wanted: str, settings: Settings, host: HostSettings) -> Manifest:
    """Return the backup that is `named`, or else the `last` one.

    Raises:
        OpsError: where there is none; also when a newer one cannot be read, for it may be the last.
    """
    if wanted:
        return named(catalog, wanted, host.name)
    found = last(catalog, settings, host)
    newer = [name for name in catalog.unreadable if name[-15:] > found.id[-15:]]
    if newer:
        raise damaged(newer[-1], host.name)
    return found


def damaged(name: str, host: str) -> OpsError:
    """Return the error for a folder whose manifest cannot be trusted."""
    return OpsError(
        f"the manifest of {name} is missing or was altered: it is no backup",
        host=host,
        hint="`inv backup.list` shows the good ones; name one of them.",
    )


def broken(backup: Manifest, wrong: tuple[str, ...], host: str) -> OpsError:
    """Return the error for a backup whose files are not what was written."""
    return OpsError(
        f"backup {backup.id} is damaged",
        host=host,
        detail="\n".join(wrong),
        hint="Do not restore it. `inv backup` makes a new one; `inv backup.list` shows the others.",
    )
