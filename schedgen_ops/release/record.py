"""A release's record: the file that says what it is and how it ended. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import NewType

from schedgen_ops import json_records
from schedgen_ops.commands.ref_names import is_commit

# The name of a release's folder: the host's time when it was begun, and its commit.
ReleaseId = NewType("ReleaseId", str)
NO_RELEASE = ReleaseId("")
# So much of a tag is in the name of a release.
_TAG = 40


class State(StrEnum):
    """How far a release came. Only DONE and ADOPTED can be gone back to."""

    STARTED = "STARTED"
    DONE = "DONE"
    FAILED = "FAILED"
    BROKEN = "BROKEN"
    ADOPTED = "ADOPTED"


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """What a release ran for one service.

    Attributes:
        image: the release's own name of the image, which keeps it from being removed.
        image_id: the image's id.
        digest: REPOSITORY@DIGEST that it was pulled by; "" for what was built here.
        definition: what the compose file said of it, and the tracked files it mounts, as a hash.
        written: Compose's own hash of what its owner wrote, the label of a container that Compose started.
        replicas: how many containers it has.
        counted: whether its compose file says so; else as many are kept as run.
        uses: the services of whose container it uses the network or the like, and what that is.
        strategy: how it is replaced: ingress, start-first, stop-first, or job, which is run.
        proxies: the ingress's proxies that lead to it.
        needs: the services that must be there before it.
        restarts_with: those of them with which it is replaced.
        seconds: how long its last replacement took; 0 where that is not known.
        alias: the name under which the ingress finds its containers and no others; "" where they have none.
        raw: those of `proxies` on which bytes pass as they come.
        own_files: where in its containers folders and files of the project are the release's own.
    """

    image: str
    image_id: str
    definition: str
    written: str = ""
    replicas: int = 1
    strategy: str = "stop-first"
    proxies: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    seconds: float = 0.0
    alias: str = ""
    raw: tuple[str, ...] = ()
    counted: bool = True
    uses: tuple[tuple[str, str], ...] = ()
    restarts_with: tuple[str, ...] = ()
    digest: str = ""
    own_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One release on one host.

    Attributes:
        id: the host's time when it was begun (UTC) and its commit: 20241130_143000-3f2a9c1.
        run: the name of the run that made it, which its log on the operator's machine bears too.
        branch: what the operator asked for.
        commit: its full id; "" where releases are images that were built before.
        previous: the id of the release that served before; "" for none.
        started, finished: RFC 3339 in UTC; "" while it is not over.
        by: who ran it, user@laptop.
        backup: the folder of its backup, relative to the project's directory.
        migrations: files of migrations that it brought.
        reverted: files of migrations that it took back; a rollback may.
        restored: the backup whose database it put in place, and the stamp of the one that was there.
        error: why it failed.
        restores: the id of the release that it went back to; "" for a deploy.
        guard: what the guard saw that kept it; "" for none.
        steps: (title, seconds) of each step that ended well.
        reached: whether it came to what serves: its migrations or, without any, the ingress were begun.
        moves: whether it took the services over from Compose; what served before it, Compose ran.
    """

    id: ReleaseId
    branch: str
    commit: str
    state: State
    previous: ReleaseId = NO_RELEASE
    started: str = ""
    finished: str = ""
    by: str = ""
    backup: str = ""
    migrations: tuple[str, ...] = ()
    reverted: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    error: str = ""
    restores: ReleaseId = NO_RELEASE
    guard: str = ""
    steps: tuple[tuple[str, float], ...] = ()
    reached: bool = False
    moves: bool = False
    run: str = ""
    services: Mapping[str, ServiceRecord] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The tag that it picks of images; "" for a release that is a commit."""
        return "" if self.commit else self.branch

    @property
    def version(self) -> str:
        """What it is, for a reader: the first digits of its commit, or the tag."""
        return self.commit[:12] or self.branch

    @property
    def good(self) -> bool:
        """Whether it served once and can serve again."""
        return self.state in (State.DONE, State.ADOPTED)


def new_id(begun: str, commit: str, tag: str = "") -> ReleaseId:
    """Return the id of a release that is begun now.

    Args:
        begun: the host's time as YYYYMMDD_HHMMSS in UTC, see `names.next_run`.
        commit: "" where it is images of a `tag`.
    """
    return ReleaseId(f"{begun}-{commit[:7] or tag[:_TAG]}")


def to_json(release: Release) -> str:
    """Return the record as one line of JSON."""
    return json.dumps(asdict(release), separators=(",", ":"), sort_keys=True)


def from_json(text: str) -> Release:
    """Read a record; keys that a newer version wrote are passed over.

    Raises:
        ValueError: where it is no record.
    """
    release = json_records.parse(Release, text)
    if release.commit and not is_commit(release.commit):
        raise ValueError(f"not a commit: {release.commit!r}")
    return release


def served_in_order(releases: tuple[Release, ...]) -> tuple[Release, ...]:
    """Return all releases, newest first, by what each names as served before it and not by clocks.

    Of those that were begun while the same one served, the one that came to serve is the last.
    """
    ids = {release.id for release in releases}
    after: dict[str, list[Release]] = {}
    for release in sorted(releases, key=lambda release: (release.good, release.id), reverse=True):
        after.setdefault(release.previous, []).append(release)
    # What came before the first ones is no record; those that name one another in a circle come last.
    first = sorted(after.keys() - ids, reverse=True)
    waiting = [*releases, *(release for previous in first for release in after[previous])]
    found: dict[str, Release] = {}
    while waiting:
        release = waiting.pop()
        if release.id not in found:
            found[release.id] = release
            waiting += after.get(release.id, ())
    return tuple(reversed(found.values()))


def before(releases: tuple[Release, ...], serving: Release) -> Release | None:
    """Return the release to go back to from `serving`: the good one that served before it.

    What a rollback went back to counts as itself: going back twice goes back two releases.
    """
    by_id = {release.id: release for release in releases}
    at: Release | None = by_id.get(serving.restores, serving)
    passed: set[str] = set()
    while at is not None and at.id not in passed:
        passed.add(at.id)
        at = by_id.get(at.previous)
        if at is not None and at.good:
            return by_id.get(at.restores, at)
    return None


def since(releases: tuple[Release, ...], target: ReleaseId, serving: ReleaseId) -> tuple[str, ...]:
    """Return the migrations that releases brought after `target`, up to `serving`, newest first.

    What a rollback took back is no longer there to be taken back again.
    """
    by_id = {release.id: release for release in releases}
    found: list[str] = []
    gone: set[str] = set()
    at = by_id.get(serving)
    passed: set[str] = set()
    while at is not None and at.id != target and at.id not in passed:
        passed.add(at.id)
        if at.restores == target:
            break
        gone |= {*at.reverted} - {*found}
        found += [name for name in reversed(at.migrations) if name not in found and name not in gone]
        at = by_id.get(at.previous)
    return tuple(found)


def backup_of(releases: tuple[Release, ...], target: ReleaseId, serving: ReleaseId) -> str:
    """Return the folder of the backup that was made while `target` served last; "" if none was."""
    by_id = {release.id: release for release in releases}
    found = ""
    at = by_id.get(serving)
    passed: set[str] = set()
    while at is not None and at.id not in passed and target not in (at.id, at.restores):
        passed.add(at.id)
        found, at = at.backup, by_id.get(at.previous)
    return found if at is not None else ""


def kept(releases: tuple[Release, ...], current: ReleaseId, count: int) -> tuple[Release, ...]:
    """Return the releases whose images stay: the one that serves and the newest good ones, `count` in all.

    A rollback runs the images of what it went back to: the two count once.
    """
    good = [release for release in served_in_order(releases) if release.good and release.id != current]
    found = [*(release for release in releases if release.id == current), *good]
    origins = {release.id: origin(releases, release) for release in found}
    stay = list(dict.fromkeys(origins.values()))[:count]
    return tuple(release for release in found if origins[release.id] in stay)


def origin(releases: tuple[Release, ...], release: Release) -> ReleaseId:
    """Return the id of the deploy whose images `release` runs: what a rollback went back to in the end."""
    restores = {release.id: release.restores for release in releases}
    name, passed = release.id, set[ReleaseId]()
    while restores.get(name) and name not in passed:
        passed.add(name)
        name = restores[name]
    return name
