"""Releases read from and written to a host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schedgen_ops.commands import files
from schedgen_ops.commands.docker import INGRESS, Container
from schedgen_ops.errors import Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.names import is_release_id, plain
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import (
    NO_RELEASE,
    Release,
    ReleaseId,
    State,
    from_json,
    served_in_order,
    to_json,
)
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_DEADLINE = 30.0

# What the script says of a `current` that is empty.
_TORN = "/"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The releases of a host.

    Attributes:
        current: the id of the one that serves; "" where nothing was deployed by us yet.
        torn: the folders whose records could not be read: they are left alone.
        written: what the file `current` says; it may say nothing where `current` is certain all the same.
        doubt: why nobody knows what serves; "" where that is known.
    """

    current: ReleaseId
    releases: tuple[Release, ...]
    torn: tuple[str, ...] = ()
    written: str = ""
    doubt: str = ""

    @property
    def unreadable(self) -> int:
        """How many records could not be read."""
        return len(self.torn)

    def blank(self, containers: Iterable[Container]) -> bool:
        """Return whether nothing serves, and nothing is there but what deploys left that were cut off.

        Args:
            containers: those of the project.
        """
        begun = {release.id for release in self.unfinished}
        left = all(box.release in begun or box.service == INGRESS for box in containers)
        return left and not self.current and not self.doubt

    def get(self, release_id: ReleaseId) -> Release | None:
        """Return the release with that id."""
        return next((found for found in self.releases if found.id == release_id), None)

    @property
    def serving(self) -> Release | None:
        """The release that serves."""
        return self.get(self.current)

    @property
    def unfinished(self) -> tuple[Release, ...]:
        """The releases that were begun and never ended, the last one first."""
        begun = (each for each in served_in_order(self.releases) if each.state is State.STARTED)
        return tuple(each for each in begun if each.id != self.current)


def read_command(paths: Paths) -> Command:
    """Return the command that reads everything `parse_shelf` needs."""
    return host_script("release/read", title="read the releases", state=paths.state)


def parse_shelf(stdout: str) -> Shelf:
    """Read the answer of `read_command`. A record that was torn or altered does not hide the others."""
    written, *records = stdout.split("\n")
    releases: list[Release] = []
    torn: list[str] = []
    for line in filter(None, records):
        folder, _, text = ("", "", line) if line.startswith("{") else line.partition(" ")
        try:
            release = plain(from_json(text))
        except ValueError:
            torn.append(folder)
            continue
        if folder in ("", release.id):
            releases.append(release)
        else:
            torn.append(folder)
    current, doubt = _serving(written.strip(), releases, torn)
    return Shelf(current, tuple(releases), tuple(torn), written.strip().replace(_TORN, ""), doubt)


def _serving(written: str, releases: Sequence[Release], torn: Sequence[str]) -> tuple[ReleaseId, str]:
    """Return the id of the release that serves, and why nobody knows: an empty file does not mean none."""
    if is_release_id(written):
        known = any(release.id == written for release in releases)
        return written, "" if known else f"`current` names {written}, whose record cannot be read"
    good = [release for release in releases if release.good]
    begun = any(release.state is State.STARTED for release in releases)
    if not written and not good and not torn:
        return NO_RELEASE, ""
    # The only one that ever served, and nothing else was on its way.
    if len(good) == 1 and not torn and not begun:
        return good[0].id, ""
    return (
        NO_RELEASE,
        f"`current` says nothing, and there are records of {len(releases) + len(torn)} releases",
    )


def read(remote: Remote, paths: Paths) -> Shelf:
    """Return the releases of a host."""
    return parse_shelf(remote.run(read_command(paths), deadline=_DEADLINE).stdout)


def certain(shelf: Shelf, paths: Paths, host: str) -> Shelf:
    """Return `shelf`, for a change that depends on which release serves.

    Raises:
        Refused: where nobody knows.
    """
    if not shelf.doubt:
        return shelf
    raise Refused(
        f"nobody knows which release serves: {shelf.doubt}",
        host=host,
        hint='`inv run -- docker ps --format "{{.Names}} {{.Labels}}"` tells which one runs, as '
        f"schedgen.release; name it: `inv run -- sh -c 'echo ID > {paths.current}'`. "
        f"A folder in {paths.releases} whose record cannot be read, and which nothing runs of, can be moved "
        "away.",
    )


def known(remote: Remote, paths: Paths) -> Shelf:
    """Return the releases of a host, see `read`, for a change that depends on which one serves.

    Raises:
        Refused: where nobody knows.
    """
    return certain(read(remote, paths), paths, remote.name)


def reader(settings: Settings) -> Callable[[Remote], Shelf]:
    """Return the function that reads the releases of a host of the environment."""
    paths = Paths(settings.directory)
    return lambda remote: read(remote, paths)


def write(remote: Remote, paths: Paths, release: Release) -> None:
    """Write a release's record, complete or not at all."""
    remote.run(files.replace(paths.record(release.id), to_json(release)), deadline=_DEADLINE)


def set_current(remote: Remote, paths: Paths, release_id: ReleaseId) -> None:
    """Name the release that serves, in `current`."""
    remote.run(files.replace(paths.current, release_id + "\n"), deadline=_DEADLINE)
