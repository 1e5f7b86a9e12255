"""Files that a release has for itself: what a host tells of them, how they are made and removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script, library
from schedgen_ops.shell import Command, sharing

# What an entry begins with that tells something else of a path than its object id.
_TOLD = ("place", "unfit", "other", "empty", "foreign")


@dataclass(frozen=True, slots=True)
class Tracked:
    """What git and the host tell of the paths that services mount, each as from the project's directory.

    Attributes:
        ids: the object id of each that is in git; with a hash of the env file, where that is in it.
        place: where the project is in its repository: "" for all of it, else PATH/; None without git.
        unfit: what in a commit speaks against a copy: "link", "submodule PATH" or "placeholder PATH".
        others: what lies there and is not as git has it.
        empty: folders and files with nothing in them that lie there and are not git's.
        foreign: what no copy would be like: another user's, or neither file nor folder.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    place: str | None = None
    unfit: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    empty: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    foreign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def parse_tracked(stdout: str) -> Tracked:
    """Reads the answer of `git.tree_ids`."""
    ids: dict[str, str] = {}
    place: str | None = None
    said: dict[str, dict[str, list[str]]] = {kind: {} for kind in _TOLD}
    for entry in filter(None, stdout.split("\0")):
        told, _, path = entry.partition("\t")
        kind, _, what = told.partition(" ")
        if kind == "place":
            place = what
        elif kind in said:
            said[kind].setdefault(path, []).append(what)
        else:
            ids[path] = told.split()[2]
    unfit = {path: what[0] for path, what in said["unfit"].items()}
    lists = [{path: tuple(what) for path, what in said[kind].items()} for kind in _TOLD[2:]]
    return Tracked(ids, place, unfit, *lists)


def make(
    directory: str,
    release: str,
    commit: str,
    paths: Sequence[str],
    extra: str = "",
    points: Iterable[tuple[str, str]] = (),
) -> Command:
    """Copies files of the work tree into a release's folder, for the release alone.

    Args:
        directory: the project's.
        release: the release's folder.
        commit: the release's, which is checked out.
        paths: what is copied, from the project's directory.
        extra: a file besides git's that goes with it; "" for none.
        points: where other things are mounted in it, from the repository, and what of the host that is.
    """
    pairs = tuple(points)
    return host_script(
        "own_files/make",
        title="copy mounted files",
        directory=directory,
        release=release,
        commit=commit,
        paths=paths,
        extra=extra,
        points=[point for point, _ in pairs],
        sources=[source for _, source in pairs],
    )


def seen_written(docker: Docker, project: str, directory: str) -> Command:
    """Tells what a project's containers have written where they see files that a release has for itself.

    What is in the work tree as well is passed over.
    """
    words, functions = ("tell_written", directory), library("own_files")
    return sharing(docker.listing(project), *words, functions=functions, title="what containers wrote")


def parse_seen(stdout: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Reads the answer of `seen_written`: by the release's id, services, and paths in the repository.

    Raises:
        ValueError: where it says something else.
    """
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for entry in filter(None, stdout.split("\0")):
        service, release, path = entry.split("\t", 2)
        who, paths = found.get(release, ((), ()))
        found[release] = (tuple(sorted({*who, service})), tuple(dict.fromkeys((*paths, path))))
    return found


def written(directory: str, releases: Sequence[str]) -> Command:
    """Tells what containers have written into the files of releases, by their folders."""
    title = "look at mounted files"
    return host_script("own_files/written", title=title, directory=directory, releases=releases)


def remove(
    directory: str, docker: Sequence[str], folder: str, releases: Sequence[str] = (), keep: Sequence[str] = ()
) -> Command:
    """Removes the files of releases that no container mounts; tells what stays as `written` does.

    Args:
        folder: that of all releases.
        releases: the ids of those that are meant; none for all.
        keep: the ids of those whose files stay.
    """
    return host_script(
        "own_files/remove",
        title="remove mounted files",
        directory=directory,
        docker=docker,
        folder=folder,
        releases=releases,
        keep=keep,
    )


def parse_written(stdout: str) -> dict[str, tuple[str, ...]]:
    """Reads the answer of `written`: by the release's id, paths in the repository."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in filter(None, stdout.split("\0")):
        release, _, path = entry.partition("\t")
        found[release] = (*found.get(release, ()), path)
    return found
