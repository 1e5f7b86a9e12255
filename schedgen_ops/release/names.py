"""Names in a record: they come from a host, and become paths, tags of images and words of commands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeGuard

from schedgen_ops.release.record import Release, ReleaseId

# One part of a path, and a tag of an image.
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_ROUTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*\Z")
_IMAGE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.:@/-]*)?\Z")
# A backup, or the time by which what was set aside is called.
_STAMP = "%Y%m%d_%H%M%S"
_STAMPED = re.compile(r"(?:[a-z]+(?:-[a-z]+)*-)?\d{8}_\d{6}\Z")


def is_release_id(name: str) -> TypeGuard[ReleaseId]:
    """Return whether `name` can be a release's id."""
    return _ID.match(name) is not None


def plain(release: Release) -> Release:
    """Return `release`, if each of its names can be no more than a name.

    Raises:
        ValueError: otherwise.
    """
    services = release.services.values()
    _all(_ID, (release.id, *filter(None, (release.previous, release.restores))))
    _all(_NAME, release.services)
    _all(
        _NAME,
        (name for record in services for name in (*record.needs, *filter(None, (record.alias,)))),
    )
    _all(_ROUTE, (name for record in services for name in (*record.proxies, *record.raw)))
    _all(_IMAGE, (text for record in services for text in (record.image, record.image_id, record.digest)))
    _all(_STAMPED, release.restored)
    if len(release.restored) not in (0, 2):
        raise ValueError(f"not a backup and a time: {release.restored!r}")
    return release


def _all(form: re.Pattern[str], texts: Iterable[str]) -> None:
    for text in texts:
        if not form.match(text):
            raise ValueError(f"not a name: {text!r}")


def next_run(run: str, ahead: float, releases: Iterable[ReleaseId]) -> str:
    """Return the name that begins a release's id: the time of the host, and later than all that are there.

    Args:
        run: the name of the run, its start on the operator's machine.
        ahead: by how many seconds the host's clock is ahead of that machine's.
        releases: the ids of the host's releases.
    """
    begun = datetime.strptime(run, _STAMP) + timedelta(seconds=round(ahead))
    known = [moment for moment in map(_moment, releases) if moment]
    return f"{max([begun, *(moment + timedelta(seconds=1) for moment in known)]):{_STAMP}}"


def _moment(release_id: ReleaseId) -> datetime | None:
    try:
        return datetime.strptime(release_id[:15], _STAMP)
    except ValueError:
        return None
