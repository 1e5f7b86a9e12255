"""Releases read from and written to a host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schedgen_ops.commands import files
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, from_json, to_json
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, script

_DEADLINE = 30.0

_READ = """
cat "$1/current" 2>/dev/null; echo
for record in "$1"/releases/*/release.json; do
  [ ! -e "$record" ] || { cat "$record"; echo; }
done
"""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The releases of a host.

    Attributes:
        current: the id of the one that serves; "" where nothing was deployed by us yet.
        unreadable: how many records could not be read: they are left alone.
    """

    current: str
    releases: tuple[Release, ...]
    unreadable: int = 0

    def get(self, release: str) -> Release | None:
        """The release with that id."""
        return next((found for found in self.releases if found.id == release), None)

    @property
    def serving(self) -> Release | None:
        """The release that serves."""
        return self.get(self.current)


def read_command(paths: Paths) -> Command:
    """Everything `parse_shelf` needs."""
    return script(_READ, paths.state, title="read the releases")


def parse_shelf(stdout: str) -> Shelf:
    """Reads the answer of `read_command`. A record that was torn or altered does not hide the others."""
    current, *records = stdout.split("\n")
    releases, unreadable = [], 0
    for text in filter(None, records):
        try:
            releases.append(from_json(text))
        except ValueError:
            unreadable += 1
    return Shelf(current.strip(), tuple(releases), unreadable)


def read(remote: Remote, paths: Paths) -> Shelf:
    """The releases of a host."""
    return parse_shelf(remote.run(read_command(paths), deadline=_DEADLINE).stdout)


def reader(settings: Settings) -> Callable[[Remote], Shelf]:
    """What reads the releases of each host of an environment."""
    paths = Paths(settings.directory)
    return lambda remote: read(remote, paths)


def write(remote: Remote, paths: Paths, release: Release) -> None:
    """Writes a release's record, complete or not at all."""
    remote.run(files.replace(paths.record(release.id), to_json(release)), deadline=_DEADLINE)


def set_current(remote: Remote, paths: Paths, release: str) -> None:
    """Names the release that serves."""
    remote.run(files.replace(paths.current, release + "\n"), deadline=_DEADLINE)
